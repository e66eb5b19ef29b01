"""The words of the laboratory's tool `check`: is a picture copied, is it real?"""

TEXT: dict[str, tuple[str, str]] = {
    "check": ("Check", "鉴别"),
    "check_lead": (
        "Bring any picture. Is it copied from what this model learned from? Is it real? No test is sure: each says what it can tell.",
        "带来任意图片。它是照抄训练图片的吗？它是真的吗？没有万无一失的检验，每一项都会说明它能说明什么。",
    ),
    "check_empty": (
        "Bring a picture, and here its nearest training pictures and three tests will come up.",
        "带来一张图片，这里会出现与它最接近的训练图片和三项检验。",
    ),
    "check_can": ("What this can and cannot tell", "这能说明什么，不能说明什么"),
    "check_going": ("Looking …", "正在检查……"),
    # copied
    "check_copied": ("Is it copied?", "它是照抄的吗？"),
    "check_step_read": ("Reading the training pictures", "正在读取训练图片"),
    "check_step_download": ("Reading the training pictures", "正在读取训练图片"),
    "check_step_prepare": ("Reading the training pictures", "正在读取训练图片"),
    "check_step_wait": ("Waiting for another process to read them", "正在等待另一进程读取"),
    "check_step_features": ("Learning what matters in them", "正在学习其中的要点"),
    "check_step_index": ("Looking through them", "正在逐张比较"),
    "check_left": ("{what}: {percent} %, about {seconds} s left.", "{what}：{percent}%，约剩 {seconds} 秒。"),
    "check_stop": ("Stop", "停止"),
    "check_stopped": ("Stopped. Bring the picture again to look through them.", "已停止。再次带入图片即可重新比较。"),
    "check_no_set": (
        "{name} learned from {set}, which is not on this machine, so it cannot be told whether this is copied. "
        "Put the set where the model's config.json says, or choose a model whose pictures are here.",
        "{name} 学习自 {set}，本机没有这个数据集，因此无法判断是否照抄。请把它放到该模型 config.json 所写的位置，或选择数据在本机的模型。",
    ),
    "check_private": (
        "This model learned from somebody's own pictures, and on a public page these are shown to nobody. "
        "Check it on a machine of your own.",
        "该模型学习自私人图片，公开页面不会向任何人展示。请在自己的机器上检查。",
    ),
    "check_busy": (
        "Another set of training pictures is being looked through just now. Try again in a few seconds.",
        "此刻正在比较另一批训练图片。请几秒后再试。",
    ),
    "check_verdict_same": (
        "Yes, or as good as: it is next to a training picture, far nearer than strangers ever come.",
        "是的，或几乎是：它紧挨着一张训练图片，远比陌生图片能达到的更近。",
    ),
    "check_verdict_near": (
        "Perhaps: only {percent} % of {strangers} come so near to a training picture. Compare with your own eyes.",
        "有可能：{strangers}中只有 {percent}% 会如此接近某张训练图片。请亲眼比较。",
    ),
    "check_verdict_apart": (
        "No sign of it: {percent} % of {strangers} come as near to a training picture.",
        "没有迹象：{strangers}中有 {percent}% 同样接近某张训练图片。",
    ),
    "check_verdict_far": (
        "No: it is farther from every training picture than all of {strangers}.",
        "不是：它与每张训练图片的距离都大于{strangers}。",
    ),
    "check_strangers_held_out": ("{n} pictures that were kept from the model", "对模型保密的 {n} 张图片"),
    "check_strangers_test": ("{n} pictures of {about}, which it never saw,", "它从未见过的 {about} 中的 {n} 张图片"),
    "check_strangers_learned": (
        "{n} training pictures (each beside the others, since no strangers are at hand)",
        "{n} 张训练图片（各与其余相比，因为手边没有陌生图片）",
    ),
    "check_searched": ("Searched: {searched} pictures of {set}.", "已比较：{set} 的 {searched} 张图片。"),
    "check_searched_part": (
        "Searched: {searched} pictures of {set}, a part of the {of} that the model learned from. A copy of another one would not be seen.",
        "已比较：{set} 的 {searched} 张图片，只是模型所学 {of} 张的一部分。照抄其余图片看不出来。",
    ),
    "check_tile": ("Training picture, {label}distance {distance}", "训练图片，{label}距离 {distance}"),
    "check_yours": ("yours", "您的图片"),
    "check_copied_can": (
        "Distance 0 is the same picture, 1 as far as two training pictures at random; half of it is how they look at 16 x 16 "
        "pixels, half the features of a small network of this data set. A near picture is a reason to look, not a proof; a "
        "copy that was cropped or turned can be missed, and a plain picture has near neighbours by chance.",
        "距离 0 为同一张图片，1 相当于随机两张训练图片之间的距离；一半来自 16 × 16 像素的外观，一半来自该数据集小网络的特征。"
        "距离近只是值得细看，并非证据；经裁剪或旋转的照抄可能漏掉，而简单的图片碰巧也会有近邻。",
    ),
    "check_copied_plot": (
        "How near {n} strangers come to a training picture: at the median {middle}, the nearest {least}. This one: {here}.",
        "{n} 张陌生图片与训练图片的最近距离：中位数 {middle}，最近 {least}。这一张：{here}。",
    ),
    "check_axis": ("distance from the nearest training picture", "与最近训练图片的距离"),
    "check_mark_taken": (
        "It comes straight from {model} in this laboratory. Saved as PNG, it will say so.",
        "它直接来自本实验室的 {model}。存为 PNG 时会写明这一点。",
    ),
    "check_plot_strangers": ("strangers", "陌生图片"),
    # real
    "check_real": ("Is it real?", "它是真的吗？"),
    "check_D": ("What D says", "D 的看法"),
    "check_D_verdict": (
        "D's score is {logit}: higher than {own} % of G's pictures, and than {real} % of the {kind}.",
        "D 的评分为 {logit}：高于 {own}% 的 G 的图片，高于 {real}% 的{kind}。",
    ),
    "check_D_verdict_own": (
        "D's score is {logit}: higher than {own} % of G's own pictures. No real ones were at hand to compare.",
        "D 的评分为 {logit}：高于 {own}% 的 G 自己的图片。手边没有真实图片可比。",
    ),
    "check_D_alone": (
        "D's score is {logit}. What is usual for this model has not been measured, so that says little. Find a picture in Find, and press Measure it there.",
        "D 的评分为 {logit}。尚未测量这个模型的通常情况，因此说明不了什么。请在“寻找”中寻找一张图片，再点击“开始测量”。",
    ),
    "check_D_class": (
        "It is the score as the class that suits it best; beside the picture in hand stands the score as its own class.",
        "这是按最合适的类别给出的评分；手中图片旁的评分则按其自身的类别。",
    ),
    "check_D_plot": (
        "D's scores: G's own pictures at the median {own_middle}, real ones at the median {real_middle}. This one: {here}.",
        "D 的评分：G 自己的图片中位数 {own_middle}，真实图片中位数 {real_middle}。这一张：{here}。",
    ),
    "check_D_axis": ("D's score; to the right: more real", "D 的评分；越靠右越真"),
    "check_D_can": (
        "D was trained to tell this G from these real pictures, and nothing else. Where the two heaps overlap, it cannot tell "
        "them apart; of a picture of another kind, or of another generator, it says whatever it says; and a few pixels that "
        "nobody sees can turn it round.",
        "D 只被训练来区分这个 G 与这些真实图片。两堆重叠之处它分不清；对其他种类的图片或其他生成器，它的话没有意义；而几个肉眼看不出的像素就能使它改口。",
    ),
    "check_spectrum": ("The spectrum", "频谱"),
    "check_spectrum_inside": (
        "At the finest details, {share} % of its spectrum lies in the band that holds four of five real pictures.",
        "在最细的部分，其频谱有 {share}% 落在五分之四真实图片所在的范围内。",
    ),
    "check_spectrum_alone": (
        "What is usual for this model has not been measured, so there is nothing to compare it with. Find does that.",
        "尚未测量这个模型的通常情况，因此无从比较。可在“寻找”中测量。",
    ),
    "check_spectrum_plot": (
        "The picture's power from coarse to fine, beside the bands of real pictures and of G's own.",
        "图片从粗到细的功率，以及真实图片与 G 自己图片的范围。",
    ),
    "check_spectrum_axis": ("waves across the picture: coarse to fine", "横跨图片的波数：由粗到细"),
    "check_spectrum_can": (
        "Generators that enlarge step by step leave too much or too little of the finest detail. Saving as JPEG, shrinking or "
        "sharpening changes the same end, so a picture that is off is not therefore fake, and a good G is not off at all.",
        "逐级放大的生成器会留下过多或过少的最细部分。存为 JPEG、缩小或锐化也会改变这一端，因此偏离并不等于假，而好的 G 根本不会偏离。",
    ),
    "check_mark": ("The mark in the file", "文件中的标记"),
    "check_mark_true": (
        "This file says it was painted by {model}{where}, and that is true: its z paints this very picture.",
        "文件称由 {model}{where} 画成，属实：其中的 z 画出的正是这张图片。",
    ),
    "check_mark_other": (
        "This file says it was painted by {model}{where}, but its z paints another picture. The mark was put there, or the "
        "picture was changed, or the model has moved on since.",
        "文件称由 {model}{where} 画成，但其中的 z 画出的是另一张图片。可能标记是后加的、图片被改过，或模型已经变了。",
    ),
    "check_mark_unknown": (
        "This file says it was painted by {model}{where}. That model is not here, so it cannot be tried.",
        "文件称由 {model}{where} 画成。这里没有该模型，无法验证。",
    ),
    "check_mark_wrong": (
        "This file has a mark of DCGAN Studio that cannot be true. Somebody wrote it by hand, or it was damaged.",
        "文件带有不可能为真的 DCGAN 工作室标记：可能是人为写入，或已损坏。",
    ),
    "check_mark_none": (
        "No mark of DCGAN Studio.",
        "没有 DCGAN 工作室的标记。",
    ),
    "check_mark_step": (", step {step}", "（第 {step} 步）"),
    "check_mark_seed": (", seed {seed}", "（种子 {seed}）"),
    "check_mark_can": (
        "Pictures saved here as PNG carry their model and z. A mark whose z paints the picture is as good as proof that it was "
        "painted. That there is none proves nothing: a screenshot, a chat program or JPEG takes it out, and anybody can "
        "write one.",
        "在此保存的 PNG 带有模型和 z。若标记中的 z 能画出该图片，几乎可以证明它是画出来的。没有标记则说明不了什么：截图、聊天软件或 JPEG 都会去掉它，任何人也都能写入标记。",
    ),
}  # fmt: skip
