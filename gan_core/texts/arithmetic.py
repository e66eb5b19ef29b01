"""The words of Arithmetic: A - B + C with averaged groups."""

TEXT: dict[str, tuple[str, str]] = {
    "sums_title": ("Arithmetic", "加减运算"),
    "sums_lead": (
        "What B is to C, A is to the result: start at A and go the way that leads from B to C. Three pictures or more in each bin work best.",
        "B 之于 C，如同 A 之于结果：从 A 出发，沿 B 到 C 的方向前进。每组三张以上效果最好。",
    ),
    "sums_A": ("A: start here", "A：起点"),
    "sums_B": ("B: from these …", "B：从这些……"),
    "sums_C": ("C: … towards these", "C：……走向这些"),
    "sums_bin": ("Pictures in bin {name}", "{name} 组的图片"),
    "sums_mean_of": ("The average of bin {name}", "{name} 组的平均"),
    "sums_average": ("average", "平均"),
    "sums_drop": ("Drop pictures here, or tap +", "把图片拖到这里，或点 +"),
    "sums_add_to": ("Add a picture to bin {name}", "向 {name} 组添加图片"),
    "sums_pick": ("Which picture shall go into bin {name}?", "把哪张图片放入 {name} 组？"),
    "sums_picture": ("picture {i} of bin {name}", "{name} 组第 {i} 张图片"),
    "sums_picture_seed": ("picture {i} of bin {name}, seed {seed}", "{name} 组第 {i} 张图片，种子 {seed}"),
    "sums_remove": ("Remove {picture}", "移除{picture}"),
    "sums_full": (
        "This bin holds {most} pictures, the most it can. Take one out first.",
        "该组已满（{most} 张）。请先取出一张。",
    ),
    "sums_strength": ("How far from B to C", "从 B 到 C 走多远"),
    "sums_norm": ("Keep the norm", "保持范数"),
    "sums_norm_about": (
        "A sum of latents has another length than those that G was trained on. Keeping the norm brings it to the mean length of all pictures in the bins.",
        "潜变量相加后的长度与 G 训练时见过的不同。“保持范数”会把它调整为各组全部图片的平均长度。",
    ),
    "sums_result": ("A − B + C", "A − B + C"),
    "sums_sheet": ("The result in the middle of its eight neighbours", "结果位于中间，周围是八个邻居"),
    "sums_around": ("its neighbours: noise of ±{noise} on every number of z", "邻居：z 的每个数加上 ±{noise} 的噪声"),
    "sums_neighbour": ("Take neighbour {i} into hand", "把邻居 {i} 取到手中"),
    "sums_take": ("Take the result into hand", "把结果取到手中"),
    "sums_keep": ("Keep it", "收藏"),
    "sums_clear": ("Empty the bins", "清空各组"),
    "sums_example": ("An example", "示例"),
    "sums_empty": (
        "The result appears here as soon as there is a picture in a bin: drag one from below, or tap +.",
        "任意一组有图片后，结果会显示在这里：从下方拖入一张，或点 +。",
    ),
    "sums_norm_is": (
        "The sum of {n} pictures has a norm of {norm}; a usual z has about {shell}.",
        "{n} 张图片之和的范数为 {norm}；通常的 z 约为 {shell}。",
    ),
    "sums_norm_kept": (
        "The sum of {n} pictures had a norm of {norm} and was brought to {due}, their mean; a usual z has about {shell}.",
        "{n} 张图片之和的范数为 {norm}，已调整为其均值 {due}；通常的 z 约为 {shell}。",
    ),
    "sums_classes": ("Class: {classes}.", "类别：{classes}。"),
    "sums_why": ("How it works", "原理"),
    "sums_why_mean": (
        "Each bin is averaged first: single pictures differ in everything, and what is common to several of them stays. The result is A + s (C − B), with the strength s.",
        "每组先取平均：单张图片处处不同，多张的共同点才会留下。结果为 A + s (C − B)，s 为强度。",
    ),
    "sums_why_classes": (
        "Where a model has classes, their weights go along: A − B + C of the labels too, without what falls below 0, their sum 1.",
        "若模型有类别，类别权重也随之运算：标签同样做 A − B + C，去掉小于 0 的部分，并使总和为 1。",
    ),
}
