"""The words of the laboratory's tool `find`: the z of a picture, and editing by finding it."""

TEXT: dict[str, tuple[str, str]] = {
    "find": ("Find", "寻找"),
    "find_lead": (
        "Bring a picture, and G comes as near to it as it can: is there a z that paints it?",
        "带来一张图片，让 G 尽量画得接近：是否有一个 z 能画出它？",
    ),
    "find_tasks": ("What is to be done", "要做什么"),
    "find_task_find": ("Find it", "寻找它"),
    "find_task_fill": ("Fill a hole", "填补空缺"),
    "find_task_over": ("Paint over", "涂改"),
    "find_task_enlarge": ("Enlarge", "放大"),
    "find_task_denoise": ("Remove noise", "去噪"),
    "find_why_find": (
        "The nearest picture that G can paint. Draw one, if you like.",
        "G 能画出的最接近的图片。也可以自己画一张。",
    ),
    "find_why_fill": (
        "Paint over what is to be forgotten: G fills it in by what is left.",
        "涂掉要忘记的部分：G 会根据其余部分把它补上。",
    ),
    "find_why_over": (
        "Paint what you want on the picture, roughly: G finds a picture of its own that is like it.",
        "在图片上粗略地画出想要的样子：G 会找到与之相近的自己的图片。",
    ),
    "find_why_enlarge": (
        "Only a smaller copy is looked at: G makes up the details that it lacks.",
        "只看缩小后的图片：G 会补出其中缺少的细节。",
    ),
    "find_why_denoise": (
        "Single pixels are not trusted: G cannot paint noise, so what it paints is clean.",
        "不轻信个别像素：G 画不出噪声，因此画出来的是干净的。",
    ),
    "find_factor": ("Enlarge by", "放大倍数"),
    "find_go": ("Find", "开始寻找"),
    "find_cancel": ("Stop", "停止"),
    "find_stopped": ("Stopped. What had been found so far is not kept.", "已停止。此前找到的内容未保留。"),
    "find_empty": (
        "Here the nearest pictures of G will come up while it searches, a few seconds long.",
        "寻找的几秒钟里，这里会出现 G 最接近的图片。",
    ),
    "find_going": (
        "{percent} %, {levels} levels of 255 apart so far, about {seconds} s left.",
        "{percent}%，目前相差 {levels} 级（共 255 级），约剩 {seconds} 秒。",
    ),
    "find_strip": ("The nearest starts so far", "目前最接近的几个起点"),
    "find_none": (
        "There is no picture to look for yet. Upload, paste or draw one, or take the picture in hand.",
        "还没有要寻找的图片。请上传、粘贴或画一张，或使用手中的图片。",
    ),
    "find_no_hole": (
        "Nothing is painted over yet. Paint over what is to be filled in, or choose another task.",
        "还没有涂掉任何部分。请涂掉要填补的区域，或选择其他任务。",
    ),
    "find_nothing_known": (
        "Next to nothing of the picture is left. Leave more of it, so that there is something to go by.",
        "图片几乎全被涂掉了。请多留一些，作为寻找的依据。",
    ),
    "find_odd_size": (
        "{got} pixels cannot be divided by {wanted}. Choose another factor.",
        "{got} 像素无法被 {wanted} 整除。请选择其他倍数。",
    ),
    "find_busy": (
        "Other pictures are being sought just now, as many as this machine can at once. Try again in a few seconds.",
        "此刻正在寻找其他图片，已达本机同时寻找的上限。请几秒后再试。",
    ),
    "find_calibrating": (
        "Another model is being measured just now. Try again in a minute.",
        "此刻正在测量另一个模型。请一分钟后再试。",
    ),
    "find_target": ("Wanted", "目标"),
    "find_result": ("Found by G", "G 找到的"),
    "find_filled": ("Filled in", "已填补"),
    "find_difference": ("Difference × 3", "差异 × 3"),
    "find_take": ("Take it into hand", "拿到手中"),
    "find_taken": ("It is in hand now: every tool walks on from there.", "已在手中：其他工具可从这里继续。"),
    "find_png": ("Save PNG", "保存 PNG"),
    "find_png_filled": ("Save the filled-in picture", "保存已填补的图片"),
    "find_apart": ("{levels} levels of 255 apart.", "相差 {levels} 级（共 255 级）。"),
    "find_part_apart": (
        "{levels} levels of 255 apart where the picture counts. No percentile: only whole pictures have been measured.",
        "在计入的部分相差 {levels} 级（共 255 级）。没有百分位：只对完整图片做过测量。",
    ),
    "find_verdict_own": (
        "G can paint this picture, or one so near that it makes no difference: it ends no farther off than G's own pictures "
        "mostly do.",
        "G 能画出这张图片，或几乎一样的图片：差距不比 G 自己的大多数图片更大。",
    ),
    "find_verdict_near": (
        "G comes near: nearer than to half of the {kind}.",
        "G 画得很接近：比一半的{kind}更接近。",
    ),
    "find_verdict_usual": (
        "G comes as near as it usually does to a real picture: {percent} % of the {kind} are nearer.",
        "G 的接近程度与通常对真实图片的一样：{percent}% 的{kind}更接近。",
    ),
    "find_verdict_far": (
        "G hardly reaches it: {percent} % of the {kind} are nearer.",
        "G 难以接近它：{percent}% 的{kind}更接近。",
    ),
    "find_verdict_foreign": (
        "This is foreign to G: it is farther off than every one of the {kind}. What you see is the nearest that it knows.",
        "这对 G 来说是陌生的：比每一张{kind}都更远。您看到的是它所知道的最接近的图片。",
    ),
    "find_verdict_far_alone": (
        "G cannot paint this picture as well as its own: all of these end nearer.",
        "G 画这张图片不如画自己的图片：后者都更接近。",
    ),
    "find_verdict_foreign_alone": (
        "This is foreign to G: it ends more than ten times as far off as the farthest of its own pictures.",
        "这对 G 来说是陌生的：距离超过其自身最远图片的十倍。",
    ),
    "find_kind_held_out": ("real pictures that were kept from it", "对它保密的真实图片"),
    "find_kind_test": ("real pictures that it never saw ({about})", "它从未见过的真实图片（{about}）"),
    "find_kind_learned": ("real pictures that it learned from (no others are at hand)", "它学习过的真实图片（手边没有别的）"),
    "find_plot": (
        "How far the search ended from {own} pictures of G's own, at the median {own_middle}, and from {real} real ones, "
        "at the median {real_middle}. This one: {here}.",
        "寻找结束时的距离：G 自己的 {own} 张图片，中位数 {own_middle}；{real} 张真实图片，中位数 {real_middle}。这一张：{here}。",
    ),
    "find_plot_own": ("G's own pictures", "G 自己的图片"),
    "find_plot_real": ("real pictures", "真实图片"),
    "find_plot_here": ("this one", "这一张"),
    "find_axis": ("distance, in tenfold steps", "距离（每格十倍）"),
    "find_unmeasured": (
        "What is usual for this model has not been measured yet, so there is no verdict. It is done once.",
        "尚未测量这个模型的通常情况，因此没有评判。只需测量一次。",
    ),
    "find_measure": ("Measure it", "开始测量"),
    "find_measuring": ("Measuring: {percent} %, about {time} left.", "正在测量：{percent}%，约剩 {time}。"),
    "find_seconds": ("{n} s", "{n} 秒"),
    "find_minutes": ("{n} min", "{n} 分钟"),
    # where pictures come from, and the brush
    "easel_upload": ("Upload", "上传"),
    "easel_hand": ("Picture in hand", "手中的图片"),
    "easel_pick": ("At hand …", "手边的图片……"),
    "easel_pick_title": ("Which picture?", "哪一张图片？"),
    "easel_drop": ("Drop, paste or upload a picture", "拖入、粘贴或上传图片"),
    "easel_drop_draw": ("Drop, paste or upload a picture, or draw here", "拖入、粘贴或上传图片，或在此作画"),
    "easel_label": ("Your picture", "您的图片"),
    "easel_label_draw": (
        "Your picture. Arrow keys move the brush, Space paints, + and − change its size.",
        "您的图片。方向键移动画笔，空格键涂画，+ 和 − 改变大小。",
    ),
    "easel_colour": ("Colour", "颜色"),
    "easel_size": ("Brush", "画笔"),
    "easel_undo": ("Undo", "撤销"),
    "easel_clear": ("Clear", "清空"),
    "easel_not_picture": (
        "{name} is no picture that this browser can read. Take a PNG, JPEG, WebP, GIF or BMP.",
        "此浏览器无法读取图片 {name}。请使用 PNG、JPEG、WebP、GIF 或 BMP。",
    ),
    "easel_too_large": (
        "{name} has {got} MB, more than the limit of {limit} MB. Make it smaller first.",
        "{name} 有 {got} MB，超过上限 {limit} MB。请先缩小。",
    ),
    "easel_no_paste": ("There is no picture on the clipboard. Copy one first.", "剪贴板中没有图片。请先复制一张。"),
    "easel_pasted": ("from the clipboard", "来自剪贴板"),
}  # fmt: skip
