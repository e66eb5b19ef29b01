"""Words of scripts that the studio's tabs and a page of its own both use: switches, the time line, the curves."""

TEXT: dict[str, tuple[str, str]] = {
    "language": ("Language", "语言"),
    "play": ("Play", "播放"),
    "pause": ("Pause", "暂停"),
    "to_dark": ("Dark mode", "深色模式"),
    "to_light": ("Light mode", "浅色模式"),
    "went_wrong": (
        "Something went wrong here; the app's log says what. Try again.",
        "出了点问题，详情见应用日志。请重试。",
    ),
    "server_gone": (
        "The app does not answer. Check that it is still running, then try again.",
        "应用没有响应。请确认它仍在运行，然后重试。",
    ),
    "picture_of_seed": ("Picture of seed {seed}", "种子 {seed} 的图片"),
    "step_is": ("step {step}", "第 {step} 步"),
    "run_sheet_alt": (
        "64 pictures that G painted at step {step}, always from the same latents",
        "G 在第 {step} 步用同样的潜变量画出的 64 张图片",
    ),
    "run_sheet_wait": (
        "The first sheet appears when the pictures are read.",
        "图片读取完成后会出现第一张样本图。",
    ),
    "run_newest": ("newest", "最新"),
    "run_losses": ("Losses", "损失"),
    "run_beliefs": ("What D believes", "D 的判断"),
    "run_scores": ("Mean scores of D", "D 的平均得分"),
    "run_guessing": ("at 0.5, D is guessing", "0.5 表示 D 在瞎猜"),
    "run_distance": ("Distance from real pictures (less is better)", "与真实图片的距离（越小越好）"),
    "run_distance_about": (
        "Fréchet distance of {n} samples in features of this data set. It compares runs on this set; it is not the published "
        "FID. The floor is what real pictures reach among themselves.",
        "{n} 个样本在本数据集特征空间中的弗雷歇距离。只用于比较同一数据集上的训练，并非论文中公布的 FID。下限是真实图片彼此之间的距离。",
    ),
    "run_fakes": ("fakes", "生成"),
    "run_floor": ("floor", "下限"),
    "run_axis": ("step", "步"),
    "run_curve_wait": ("The curves begin with the first report.", "曲线将从第一次报告开始。"),
    "run_d_minimises": ("D minimises the mean of", "D 最小化下式的均值"),
    "run_g_minimises": ("G minimises the mean of", "G 最小化下式的均值"),
    "run_gradients": ("Gradient norms (logarithmic)", "梯度范数（对数刻度）"),
    "run_spread": ("How varied G is (collapse: towards 0)", "G 的多样性（坍缩时趋向 0）"),
    "run_spread_about": (
        "Spread: how far G's pictures lie from their mean, in units of real pictures; 1 is as varied as those. "
        "Twins: the share of G's pictures that have a neighbour nearer than nearly all real pictures have.",
        "离散度：G 的图片离其均值有多远，以真实图片为单位，1 表示与真实图片一样多样。孪生：G 的图片中，近邻比几乎所有真实图片的近邻都更近的比例。",
    ),
    "run_varied": ("spread", "离散度"),
    "run_twins": ("twins", "孪生"),
    "run_as_real": ("1: as varied as real pictures", "1：与真实图片一样多样"),
    "run_cells": ("Choose a picture to follow its latent through the training", "选择一张图片，沿训练过程跟踪其潜变量"),
    "run_cell": ("Picture {i} of 64", "第 {i} 张，共 64 张"),
    "time_line": ("Time line", "时间轴"),
    "time_at": ("step {step}", "第 {step} 步"),
    "time_newest": ("To the newest", "回到最新"),
    "time_play": ("Play the training as a film", "像影片一样播放训练过程"),
    "time_pause": ("Pause the film", "暂停影片"),
    "axis_title": ("One latent through the training", "一个潜变量的训练历程"),
    "axis_about": (
        "The same z at every step: training time as an axis of its own. Choose a picture of the sheet, or a seed; drag along the row.",
        "每一步都用同一个 z：训练时间成为一条坐标轴。选择样本图中的一张或输入种子，沿图片条拖动。",
    ),
    "axis_about_sheet": (
        "The same z at every step: training time as an axis of its own. Choose a picture of the sheet; drag along the row.",
        "每一步都用同一个 z：训练时间成为一条坐标轴。选择样本图中的一张，沿图片条拖动。",
    ),
    "axis_seed": ("Seed of another latent", "另一个潜变量的种子"),
    "axis_show": ("Show it", "显示"),
    "axis_alt": (
        "One latent at {n} steps, from {first} to {last}",
        "同一潜变量在 {n} 个步数上的图片，从第 {first} 步到第 {last} 步",
    ),
    "axis_no_snapshot": (
        "A seed is painted by snapshots, and there is none yet. Choose a picture of the sheet, or wait for the first.",
        "种子由快照绘制，目前还没有快照。请选择样本图中的一张，或等待第一个快照。",
    ),
    "close": ("Close", "关闭"),
    "seed_is": ("Seed {seed}", "种子 {seed}"),
    "surprise": ("Other pictures", "换一批"),
    "keyframe_seed": ("Give a whole number from 0 to {high}.", "请输入 0 到 {high} 的整数。"),
    "png_came": (
        "Saved. Drop the PNG on this page to bring the picture back.",
        "已保存。把 PNG 拖回本页即可找回这张图片。",
    ),
}
