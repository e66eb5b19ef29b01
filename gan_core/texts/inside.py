"""The words of the laboratory's tool `inside`."""

TEXT: dict[str, tuple[str, str]] = {
    "inside": ("Inside G", "G 的内部"),
    "inside_lead": (
        "G paints in stages, from coarse to fine. Give the picture in hand another one's features at any stage, or switch off "
        "what G paints with.",
        "G 由粗到细分级作画。可以在任一级把另一张图片的特征给手中的图片，或关掉 G 作画所用的通道。",
    ),
    "inside_loading": ("G is being opened.", "正在打开 G。"),
    "inside_a": ("A: in hand", "A：手中的图片"),
    "inside_b": ("B: choose another", "B：另选一张"),
    "inside_result": ("What comes out", "结果"),
    "inside_difference": ("What has changed, made visible", "变化之处（已增强）"),
    "inside_difference_is": (
        "What has changed: {percent} % of full contrast at most",
        "变化之处：最多为满对比度的 {percent} %",
    ),
    "inside_result_of": ("The picture as changed inside", "在内部改动后的图片"),
    "inside_difference_of": ("Where it differs from the picture with all channels on", "与所有通道开启时的差异"),
    "inside_mix": ("Mix two pictures", "混合两张图片"),
    "inside_channels": ("Switch channels", "开关通道"),
    "inside_what": ("What to do inside", "在内部做什么"),
    # the board
    "inside_mix_about": (
        "Each square is one stage. Click or drag over cells to take them from B (framed); the rest stays A.",
        "每个方块是一级。点击或拖过格子即从 B 取用（有框），其余仍为 A。",
    ),
    "inside_mix_flat": (
        "This G has layers without places, so features of B can only be blended in: a share for each layer.",
        "该 G 的各层没有空间位置，因此只能按比例混入 B 的特征：每层一个比例。",
    ),
    "inside_stage": ("{side}×{side}: {what}", "{side}×{side} 级：{what}"),
    "inside_stage_flat": ("Layer {n}: {what}", "第 {n} 层：{what}"),
    "inside_coarse": ("shape and pose", "形状与姿态"),
    "inside_middle": ("parts", "局部"),
    "inside_detail": ("details", "细节"),
    "inside_fine": ("colour", "颜色"),
    "inside_fine_grey": ("texture", "纹理"),
    "inside_cell": ("{stage}, row {row}, column {column}: from B", "{stage}，第 {row} 行第 {column} 列：取自 B"),
    "inside_all": ("all", "全部"),
    "inside_none": ("none", "无"),
    "inside_left": ("left", "左半"),
    "inside_top": ("top", "上半"),
    "inside_quick": ("{stage}: take from B: {what}", "{stage}：取自 B：{what}"),
    "inside_nothing": ("Nothing from B yet: what comes out is A.", "尚未从 B 取用：结果即为 A。"),
    "inside_taken": ("From B: {stages}.", "取自 B：{stages}。"),
    "inside_clear": ("All from A again", "全部恢复为 A"),
    "inside_example": ("Half and half", "各取一半"),
    "inside_share": ("{stage}: share of B", "{stage}：B 的比例"),
    "inside_whole": (
        "{stage} comes whole from B: all that follows is painted from it, so what comes out is B.",
        "{stage} 全部取自 B：其后的一切都由它画出，因此结果就是 B。",
    ),
    # the channels
    "inside_channels_about": (
        "A channel is one thing a stage has learned to paint with. They are sorted by how strong they are in this picture; "
        "press one to switch it off, and see what is missing.",
        "通道是某一级学会的一种画法，按其在这张图片中的强度排列。按下即可关闭，看看少了什么。",
    ),
    "inside_which_stage": ("Stage", "级"),
    "inside_channel": ("Channel {n}, strength {strength}", "通道 {n}，强度 {strength}"),
    "inside_shown": (
        "The {shown} strongest of {channels} channels; {silent} are silent in this picture.",
        "{channels} 个通道中最强的 {shown} 个；其中 {silent} 个在这张图片中不活动。",
    ),
    "inside_off": ("Off: {n} of {channels} at {stage}.", "{stage}：已关闭 {channels} 个中的 {n} 个。"),
    "inside_all_on": ("All on again", "全部开启"),
    "inside_off_top": ("The 8 strongest off", "关闭最强的 8 个"),
    "inside_strongest": ("Where is channel {n} strongest?", "通道 {n} 在哪些图片中最强？"),
    "inside_looking": ("Looking at {done} of {of} samples.", "正在查看样本 {done} / {of}。"),
    "inside_strongest_are": (
        "Of {of} samples, channel {n} of {stage} is strongest in these. Click one to take it in hand.",
        "在 {of} 个样本中，{stage} 的通道 {n} 在以下图片中最强。点击可拿到手中。",
    ),
    "inside_choose": ("Press a channel: what it paints shows here.", "按下一个通道，这里会显示它画了什么。"),
    "inside_png": ("Download PNG", "下载 PNG"),
}
