"""The words of the laboratory's frame: what loads, what is in hand, what came that could not be read."""

TEXT: dict[str, tuple[str, str]] = {
    "posted_json": ("What was sent is not a JSON object.", "所发送的内容不是 JSON 对象。"),
    "posted_large": (
        "What was sent has {got} MB, more than the limit of {limit} MB. Make the picture smaller first.",
        "所发送的内容有 {got} MB，超过上限 {limit} MB。请先缩小图片。",
    ),
    "posted_floats": (
        "{field} must be float32 numbers in base64, and is not.",
        "{field} 应为 base64 编码的 float32 数，但不是。",
    ),
    "posted_far": (
        "{field} has numbers that are not finite, or farther than 10,000 from 0.",
        "{field} 中有非有限的数，或绝对值超过 10,000 的数。",
    ),
    "posted_length": (
        "{field} has {got} numbers, but must have {wanted} for each picture.",
        "{field} 有 {got} 个数，但每张图片应有 {wanted} 个。",
    ),
    "posted_rows": (
        "{field} is for {got} pictures, but z for {wanted}.",
        "{field} 对应 {got} 张图片，而 z 对应 {wanted} 张。",
    ),
    "posted_picture": (
        "This is not a picture that can be read: {why}. Take a PNG, JPEG, WebP, BMP or GIF.",
        "无法读取这张图片：{why}。请使用 PNG、JPEG、WebP、BMP 或 GIF。",
    ),
    # the tab
    "tab_explore": ("Explore", "探索"),
    "explore_lead": (
        "Walk through everything this model can paint. It runs in your own browser: drag, and the picture follows your hand.",
        "漫步于这个模型所能画出的一切。它就在您的浏览器中运行：拖动，图片便随手而动。",
    ),
    # loading
    "lab_loading": ("The painter is on its way into your browser.", "画家正在进入您的浏览器。"),
    "lab_missing": ("{name} could not be fetched. Reload the page.", "无法获取 {name}。请刷新页面。"),
    "lab_by_server": (
        "This browser cannot run the model itself, so the server paints: everything works, only slower.",
        "此浏览器无法自行运行模型，因此由服务器作画：一切照常，只是慢一些。",
    ),
    "lab_no_wasm": (
        "This browser cannot run the model: it has neither WebGPU nor WebAssembly. Open the page in a current one.",
        "此浏览器无法运行模型：既没有 WebGPU 也没有 WebAssembly。请用较新的浏览器打开本页。",
    ),
    "lab_wrong_graph": (
        "The model of this page is damaged, or is another one than the page says. Export the page again.",
        "本页的模型已损坏，或与页面所说的不符。请重新导出页面。",
    ),
    # the picture in hand
    "lab_in_hand": ("The picture in hand: {name}", "手中的图片：{name}"),
    "lab_no_seed": ("Somewhere between seeds", "位于种子之间"),
    "lab_between": ("{name} {percent} %", "{name} 占 {percent} %"),
    "lab_norm": ("length of z {norm} (typical {shell})", "z 的长度 {norm}（典型值 {shell}）"),
    "lab_norm_why": (
        "Nearly all random z are about this long. Much shorter or longer ones are places that the painter never practised.",
        "几乎所有随机 z 都约为这一长度。过短或过长之处，画家从未练习过。",
    ),
    "lab_walked": ("walked {walked}", "已走 {walked}"),
    "lab_belief": ("D: {percent} % real", "D：{percent} % 为真"),
    "lab_score": ("D's score {score}", "D 的评分 {score}"),
    "lab_no_opinion": ("D could not be asked", "无法询问 D"),
    "lab_surprise": ("Another picture", "换一张"),
    "lab_keep": ("Keep", "收藏"),
    "lab_kept": ("Kept in My pictures, in this browser.", "已收藏到“我的图片”（保存在此浏览器中）。"),
    "lab_not_kept": (
        "This browser keeps nothing just now: a private window, or My pictures is full. Save the PNG instead.",
        "此浏览器暂时无法收藏：可能是无痕窗口，或“我的图片”已满。请改为保存 PNG。",
    ),
    "lab_link": ("Copy link", "复制链接"),
    "lab_link_copied": ("Copied. Whoever opens the link sees this picture.", "已复制。打开链接即可看到这张图片。"),
    "lab_link_is": ("Copy this link: {href}", "请复制此链接：{href}"),
    "lab_link_wrong": (
        "The link's picture does not fit this model ({why}), so here is seed 0.",
        "链接中的图片与此模型不符（{why}），因此显示种子 0。",
    ),
    "lab_more": ("Seed, downloads, bring back", "种子、下载与恢复"),
    "lab_seed": ("Seed", "种子"),
    "lab_go_seed": ("Go to seed", "前往该种子"),
    "lab_png": ("Download PNG", "下载 PNG"),
    "lab_npy": ("z as .npy", "下载 z（.npy）"),
    "lab_json": ("z as JSON", "下载 z（JSON）"),
    "lab_restore": ("Bring back a saved picture", "恢复已保存的图片"),
    "lab_restored": ("{name} is in hand again.", "{name} 已恢复。"),
    "lab_not_png": (
        "{name} is not a PNG that can be read. Take one that was saved here.",
        "{name} 不是可读取的 PNG。请使用在此保存的图片。",
    ),
    "lab_no_recipe": (
        "{name} does not say how it was made. Only a PNG that was saved here does; find its nearest picture with Find instead.",
        "{name} 没有记录其制作方法，只有在此保存的 PNG 才有。可改用“寻找”来找最接近的图片。",
    ),
    "lab_other_model": (
        "This picture comes from a model of another kind, or is damaged: its z does not fit the model that is open.",
        "这张图片来自另一种模型，或已损坏：其 z 与当前模型不符。",
    ),
    "lab_speed": ("How fast?", "有多快？"),
    "lab_speed_webgpu": (
        "In this browser, by WebGPU: {ms} ms a picture, {fps} frames in the last second.",
        "在此浏览器中，使用 WebGPU：每张 {ms} 毫秒，最近一秒 {fps} 帧。",
    ),
    "lab_speed_wasm": (
        "In this browser, by WebAssembly, one thread: {ms} ms a picture, {fps} frames in the last second.",
        "在此浏览器中，使用 WebAssembly 单线程：每张 {ms} 毫秒，最近一秒 {fps} 帧。",
    ),
    "lab_speed_server": (
        "By the server: {ms} ms a picture, {fps} frames in the last second.",
        "由服务器作画：每张 {ms} 毫秒，最近一秒 {fps} 帧。",
    ),
    # the tools and the pictures at hand
    "lab_tools": ("Tools", "工具"),
    "lab_tray": ("Pictures at hand", "手边的图片"),
    "lab_tile_kept": ("A kept picture", "收藏的图片"),
    "lab_more_pictures": ("{n} more", "再来 {n} 张"),
    "lab_this_one": ("The picture in hand", "手中的图片"),
}
