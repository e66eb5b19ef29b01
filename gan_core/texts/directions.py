"""The words of the laboratory's tool `directions`."""

TEXT: dict[str, tuple[str, str]] = {
    "directions": ("Directions", "方向"),
    "directions_lead": (
        "Each slider changes one thing about the picture, as far as this model keeps things apart. They add up.",
        "每个滑块改变图片的一个方面（只要模型能把它们分开）。多个滑块可以叠加。",
    ),
    # while they are found
    "directions_finding": ("Finding this model's directions, once.", "正在寻找该模型的方向（只需一次）。"),
    "directions_left_seconds": ("About {seconds} s to go.", "约剩 {seconds} 秒。"),
    "directions_again": ("Try again", "重试"),
    "directions_older": (
        "The run has gone on since these directions were found. They still lead nearly the same way; try again for those of its newest snapshot.",
        "找到这些方向之后训练仍在继续。它们大致仍指向原处；可重试以得到最新快照的方向。",
    ),
    "directions_left": ("Nobody waited for the directions any more.", "已没有人等待这些方向。"),
    "directions_none": (
        "No directions came with this page. Make two groups of pictures below, and find their difference.",
        "本页面没有附带方向。请在下方把图片分成两组，再求它们的差。",
    ),
    # the ways
    "directions_sefa": ("By the weights alone (SeFa)", "仅凭权重（SeFa）"),
    "directions_sefa_about": (
        "What the first layer passes on most strongly, straight from its weights; no picture was painted to find these.",
        "第一层最强烈传递的变化，直接由权重算出，无需绘制任何图片。",
    ),
    "directions_pca": ("By what G does (GANSpace)", "凭 G 的激活（GANSpace）"),
    "directions_pca_about": (
        "How the activations of the last stage vary most over 1,024 samples of G, carried back to z.",
        "1,024 个样本中，最后一级激活变化最大的方式，再换算回 z。",
    ),
    "directions_means": ("From group to group", "从一组到另一组"),
    "directions_means_about": (
        "From the average of all other pictures to the average of one group.",
        "从其余图片的平均到某一组的平均。",
    ),
    "directions_jacobian": ("At this very picture (Jacobian)", "就在这张图片处（雅可比）"),
    "directions_jacobian_about": (
        "What changes this one picture most. Elsewhere the same sliders may do something else.",
        "最能改变这张图片的方向；在别处，同样的滑块可能有别的效果。",
    ),
    "directions_class": ("Towards a class", "趋向某个类别"),
    "directions_class_about": (
        "This model is told the class beside z, so a class is a slider of its own.",
        "该模型除 z 外还接收类别，因此类别本身就是一个滑块。",
    ),
    "directions_own": ("Your own", "您自己的"),
    "directions_own_about": (
        "Found here or imported. They stay until the page is closed; export them to keep them.",
        "在此求得或导入的方向，关闭页面后消失；请导出以保存。",
    ),
    # a row
    "directions_unnamed_sefa": ("SeFa {n}", "SeFa {n}"),
    "directions_unnamed_pca": ("GANSpace {n}", "GANSpace {n}"),
    "directions_unnamed_jacobian": ("Jacobian {n}", "雅可比 {n}"),
    "directions_unnamed_means": ("Difference {n}", "差 {n}"),
    "directions_rename": ("Rename {name}", "重命名 {name}"),
    "directions_rename_hint": ("Click to give it a name of your own", "点击可为它命名"),
    "directions_new_name": ("A name for {name}", "为 {name} 命名"),
    "directions_slider": ("{name}, standard deviations", "{name}，标准差"),
    "directions_tile": ("{name} at {value}", "{name}，位于 {value}"),
    "directions_share_sefa": ("{percent} % of the weights", "占权重的 {percent} %"),
    "directions_share_pca": ("{percent} % of the variance", "占方差的 {percent} %"),
    "directions_share_jacobian": ("{percent} % of the change", "占变化的 {percent} %"),
    "directions_share_means": ("{length} long", "长 {length}"),
    "directions_share_chance": ("hardly more than chance", "与偶然相差无几"),
    "directions_share_class": ("share of the class", "类别所占比例"),
    "directions_which_class": ("Class", "类别"),
    "directions_towards": ("Towards {name}", "趋向 {name}"),
    # what can be done
    "directions_reset": ("Back to the start", "回到起点"),
    "directions_base": ("Start from here", "从这里开始"),
    "directions_based": ("The sliders now start at this picture.", "滑块现在以这张图片为起点。"),
    "directions_find_jacobian": ("What matters right here?", "此处什么最重要？"),
    "directions_found_jacobian": (
        "Found in {seconds} s: what changes this picture most.",
        "用时 {seconds} 秒：最能改变这张图片的方向。",
    ),
    "directions_named": ("{name}: kept for everybody.", "{name}：已为所有人保存。"),
    "directions_named_here": (
        "{name}: kept in this browser. Whoever started this run, or the teacher, can name it for everybody.",
        "{name}：已保存在此浏览器中。只有该训练的发起者或老师才能为所有人命名。",
    ),
    "directions_named_own": ("{name}: export your directions to keep the name.", "{name}：请导出方向以保留名称。"),
    "directions_named_site": ("{name}: kept in this browser.", "{name}：已保存在此浏览器中。"),
    "directions_not_yet": (
        "There are no directions to name yet. Open Directions, wait until they are found, and try again.",
        "还没有可命名的方向。请打开“方向”，待其找到后重试。",
    ),
    "directions_no_such": (
        "There is no direction {got!r} here. Reload the page, and name it again.",
        "这里没有方向 {got!r}。请刷新页面后重新命名。",
    ),
    # two groups
    "directions_groups": ("Make one from two groups of pictures", "用两组图片做一个方向"),
    "directions_groups_about": (
        "Put pictures that have something into the first group, and pictures that lack it into the second: drag them from "
        "below, or press +. Let the groups be alike in all else.",
        "把具有某种特点的图片放入第一组，没有的放入第二组：从下方拖入，或按 +。其余方面请尽量相似。",
    ),
    "directions_plus": ("Has it", "具有"),
    "directions_minus": ("Has it not", "不具有"),
    "directions_add_to": ("Add a picture to: {group}", "添加图片到：{group}"),
    "directions_take_out": ("Take picture {n} out of: {group}", "从“{group}”中取出第 {n} 张图片"),
    "directions_find_means": ("Find the difference", "求差"),
    "directions_need_groups": ("Put at least one picture into each group first.", "请先在每组中至少放入一张图片。"),
    "directions_difference": ("Difference {n}", "差 {n}"),
    "directions_trust_good": (
        "The difference is {length} standard deviations long beyond chance, and should point the right way (cosine {trust}).",
        "这个差超出偶然的长度为 {length} 个标准差，方向应当可靠（余弦 {trust}）。",
    ),
    "directions_trust_some": (
        "Roughly right: a good part of this direction is chance (cosine {trust} with the true one). About {n} pictures in each "
        "group would settle it.",
        "大致可用：这个方向有相当部分出于偶然（与真实方向的余弦约 {trust}）。每组约 {n} 张图片即可确定。",
    ),
    "directions_trust_none": (
        "So few pictures say next to nothing: chance alone makes a difference of {chance}, and this one is {raw} long. Add "
        "pictures, or see for yourself what the slider does.",
        "这么少的图片几乎说明不了什么：仅凭偶然就有 {chance} 的差，而这个差长 {raw}。请增加图片，或亲自看看滑块的效果。",
    ),
    # the matrix
    "directions_matrix": ("How entangled are they?", "它们有多纠缠？"),
    "directions_matrix_about": (
        "How alike the changes are that two directions make in the pictures: 0 for different changes, 100 for the same. Two "
        "directions at random are {floor} alike here. Choose a cell to see both.",
        "两个方向对图片造成的变化有多相似：0 表示完全不同，100 表示相同。此处两个随机方向的相似度为 {floor}。选择一格可同时查看两者。",
    ),
    "directions_matrix_cell": ("{a} and {b}: {value}", "{a} 与 {b}：{value}"),
    "directions_pair": (
        "{a} and {b} change the pictures {value} % alike (at random {floor} %).",
        "{a} 与 {b} 对图片的改变有 {value} % 相似（随机为 {floor} %）。",
    ),
    # keeping
    "directions_file": ("Names and directions as a file", "名称与方向文件"),
    "directions_export": ("Export", "导出"),
    "directions_import": ("Import", "导入"),
    "directions_imported": (
        "{named} names and {added} directions came in.",
        "已导入 {named} 个名称和 {added} 个方向。",
    ),
    "directions_import_wrong": (
        "{name} holds no directions for this model: it takes z of {nz} numbers. Take a file that was exported here.",
        "{name} 中没有适用于该模型的方向：需要长度为 {nz} 的 z。请使用从这里导出的文件。",
    ),
}
