"""Every string that the page shows, English and Chinese, in one table. What the core says is in gan_core/words.py.

`tr("key")` goes into a component: Gradio translates it in the visitor's browser. `said("key", lang)` is for sentences made
on the server. The scripts in static/ get the whole table with the page and read it with `t("key")`.
"""

from collections.abc import Mapping

import gradio as gr
from gradio.i18n import I18nData

from gan_core.errors import UserError

LANGUAGES = {"en": "English", "zh": "中文"}

TEXT: dict[str, tuple[str, str]] = {
    # the head of the page
    "title": ("DCGAN Studio", "DCGAN 工作室"),
    "tagline": (
        "Two networks play a game: one paints, one judges. Watch what the painter learned.",
        "两个网络的博弈：一个作画，一个鉴定。看看画家学会了什么。",
    ),
    "hero_alt": ("A slow walk through what the best model can paint", "在最佳模型所能画出的图片中缓缓漫步"),
    "language": ("Language", "语言"),
    "play": ("Play", "播放"),
    "pause": ("Pause", "暂停"),
    "to_dark": ("Dark mode", "深色模式"),
    "to_light": ("Light mode", "浅色模式"),
    "tab_generate": ("Generate", "生成"),
    "tab_interpolate": ("Interpolate", "插值"),
    "tab_train": ("Train", "训练"),
    # errors
    "no_such_model": (
        "There is no model {got!r} here any more. Choose another one.",
        "这里已没有模型 {got!r}。请另选一个。",
    ),
    "no_model_at_all": (
        "There is no model here that can paint. Train one, or put one into the folder weights/.",
        "这里没有可用的模型。请训练一个，或放入 weights/ 文件夹。",
    ),
    "hub_too_large": (
        "{got} is {size} MB, more than the limit of {limit} MB for this page. Choose a smaller model.",
        "{got} 有 {size} MB，超过本页面的上限 {limit} MB。请选择更小的模型。",
    ),
    "hub_no_network": (
        "{got} is not on this machine, and there is no network to get it from the Hugging Face Hub. Choose a model of the list.",
        "本机没有 {got}，也没有网络可从 Hugging Face Hub 获取。请从列表中选择模型。",
    ),
    "too_large_file": (
        "This file has {got} MB, more than the limit of {limit} MB. Drop a PNG that was saved here.",
        "该文件有 {got} MB，超过上限 {limit} MB。请拖入在此保存的 PNG。",
    ),
    "went_wrong": (
        "Something went wrong here; the app's log says what. Try again.",
        "出了点问题，详情见应用日志。请重试。",
    ),
    "film_gone": ("This film is no longer kept. Make it again.", "这部影片已不再保留。请重新生成。"),
    # Generate
    "generate_lead": (
        "Every picture here was painted from random numbers. Find out what this model can paint, and what fools its critic.",
        "这里的每张图片都由随机数画成。看看这个模型能画出什么，又有哪些能骗过它的判别器。",
    ),
    "model": ("Model", "模型"),
    "model_info": ("From the list, or a Hub id such as user/model.", "从列表选择，或输入 Hub 名称，如 user/model。"),
    "choice_shipped": ("{name} ({size} px)", "{name}（{size} 像素）"),
    "choice_run": ("run {name} (step {step})", "训练 {name}（第 {step} 步）"),
    "seed": ("Seed", "种子"),
    "seed_info": ("The first picture's; the next has the next.", "第一张图片的种子，之后依次加一。"),
    "how_many": ("How many", "数量"),
    "truncation": ("Truncation", "截断"),
    "truncation_info": ("Lower is tamer and more alike.", "越低越保守，也越相似。"),
    "class": ("Class", "类别"),
    "any_class": ("any", "任意"),
    "sheet_label": ("Pictures", "图片"),
    "sheet_label_of": (
        "{n} pictures by {name}. Arrow keys move, Enter enlarges.",
        "{name} 生成的 {n} 张图片。方向键移动，回车键放大。",
    ),
    "sheet_step": ("{name} at step {step}, {size} pixels.", "{name}，第 {step} 步，{size} 像素。"),
    "sheet_empty": (
        "The model's pictures appear here as soon as it is loaded.",
        "模型载入后，它生成的图片会显示在这里。",
    ),
    "surprise": ("Other pictures", "换一批"),
    "download_zip": ("All as ZIP", "全部下载（ZIP）"),
    "bring_back": ("Bring a saved picture back", "找回已保存的图片"),
    "drop_here": ("Drop a PNG that was saved here", "拖入在此保存的 PNG"),
    "crisp": ("Crisp pixels", "清晰像素"),
    "zip_coming": ("Packing {n} pictures …", "正在打包 {n} 张图片……"),
    "zip_came": ("{n} pictures are in your downloads.", "{n} 张图片已下载。"),
    "png_came": (
        "Saved. Drop the PNG on this page to bring the picture back.",
        "已保存。把 PNG 拖回本页即可找回这张图片。",
    ),
    "restored": ("{name} is back, with its model and settings.", "已找回 {name} 及其模型和设置。"),
    "drop_pickle": (
        "{name} is a pickle, which can run a stranger's code, so it is not opened. "
        "Drop a PNG that was saved here; put weights into weights/ as safetensors.",
        "{name} 是 pickle 文件，可能执行陌生人的代码，因此不会打开。请拖入在此保存的 PNG；权重请以 safetensors 格式放入 weights/。",
    ),
    "server_gone": (
        "The app does not answer. Check that it is still running, then try again.",
        "应用没有响应。请确认它仍在运行，然后重试。",
    ),
    "picture_of_seed": ("Picture of seed {seed}", "种子 {seed} 的图片"),
    "enlarged": ("One picture, enlarged", "放大的图片"),
    "seed_is": ("Seed {seed}", "种子 {seed}"),
    "no_seed": ("Between seeds", "介于种子之间"),
    "step_is": ("step {step}", "第 {step} 步"),
    "truncation_is": ("truncation {truncation}", "截断 {truncation}"),
    "class_is": ("class {name}", "类别 {name}"),
    "opinion": ("What D thinks", "D 的看法"),
    "fake": ("fake", "假"),
    "real": ("real", "真"),
    "opinion_coming": ("Asking D …", "正在询问 D……"),
    "opinion_belief": (
        "D is {percent} % sure that this picture is real.",
        "D 有 {percent}% 的把握认为这张图片是真的。",
    ),
    "opinion_rank": ("It ranks {rank} of {n} on this sheet.", "在这一页的 {n} 张中排第 {rank}。"),
    "opinion_note": (
        "D, the critic, has learned to tell G's pictures from real ones; low numbers mean that it still can.",
        "判别器 D 学会了区分 G 的图片与真实图片；数值低说明它仍能分辨。",
    ),
    "opinion_score": ("D's score is {score}.", "D 的评分为 {score}。"),
    "opinion_score_note": (
        "Higher means more real. The {loss} game gives a score without a scale, no probability: compare it within one model.",
        "越高越像真的。{loss} 给出的是没有刻度的评分，而不是概率，只能在同一模型内比较。",
    ),
    "opinion_unknown_note": (
        "Higher means more real. Which game D was trained in is not known, so no probability can be given.",
        "越高越像真的。不清楚 D 是用哪种损失训练的，因此无法给出概率。",
    ),
    "to_interpolate": ("Send to Interpolate", "送到插值"),
    "download_png": ("Download PNG", "下载 PNG"),
    "previous": ("Previous picture", "上一张"),
    "next": ("Next picture", "下一张"),
    "close": ("Close", "关闭"),
    # Interpolate
    "interpolate_lead": (
        "Between any two pictures lies a path of pictures. Find out whether they melt, jump, or pass through something new.",
        "任意两张图片之间都有一条由图片组成的路。看看它们是渐变、突变，还是途经新的东西。",
    ),
    "method": ("Path", "路径"),
    "method_info": (
        "A straight line passes close to the mean, where pictures are dull.",
        "直线会经过均值附近，那里的图片较为平淡。",
    ),
    "slerp": ("great circle (slerp)", "大圆弧（slerp）"),
    "lerp": ("straight line (lerp)", "直线（lerp）"),
    "easing": ("Pace", "节奏"),
    "easing_linear": ("even", "匀速"),
    "easing_smooth": ("rest at keyframes", "在关键帧处放缓"),
    "frames": ("Frames", "帧数"),
    "loop": ("Back to the start (loop)", "回到起点（循环）"),
    "film_alt": ("Film through {n} keyframes", "经过 {n} 个关键帧的影片"),
    "film_empty": (
        "The film appears here once there are two keyframes: add a seed below, or send a picture from Generate.",
        "有两个关键帧后，影片会显示在这里：请在下方添加种子，或从“生成”送来图片。",
    ),
    "scrub": ("Frame", "帧"),
    "frame_of": ("frame {frame} of {n}", "第 {frame} 帧，共 {n} 帧"),
    "speed": ("Speed", "速度"),
    "fps": ("{fps} frames/s", "{fps} 帧/秒"),
    "keyframes": ("Keyframes", "关键帧"),
    "seed_short": ("seed {seed}", "种子 {seed}"),
    "keyframe_of": ("Keyframe {i}, seed {seed}: show it", "关键帧 {i}，种子 {seed}：显示"),
    "earlier": ("Move keyframe {i} earlier", "将关键帧 {i} 前移"),
    "later": ("Move keyframe {i} later", "将关键帧 {i} 后移"),
    "remove": ("Remove keyframe {i}", "移除关键帧 {i}"),
    "add_seed": ("Seed to add", "要添加的种子"),
    "add": ("Add", "添加"),
    "add_any": ("Add a random one", "随机添加"),
    "keyframe_sent": (
        "This is keyframe {i} of at most {most} on the tab Interpolate.",
        "已作为“插值”中的第 {i} 个关键帧（最多 {most} 个）。",
    ),
    "keyframe_first": (
        "This is the first keyframe on the tab Interpolate. Send a second one to make a film.",
        "已作为“插值”中的第一个关键帧。再送一张即可生成影片。",
    ),
    "keyframes_full": (
        "There are {most} keyframes, the most there can be. Remove one on the tab Interpolate first.",
        "关键帧已达上限 {most} 个。请先在“插值”中移除一个。",
    ),
    "keyframe_seed": ("Give a whole number from 0 to {high}.", "请输入 0 到 {high} 的整数。"),
    "downloads": ("Download the film", "下载影片"),
    "film_coming": ("Making the {kind} … {percent} %", "正在生成 {kind}……{percent}%"),
    "film_came": ("The {kind} is in your downloads.", "{kind} 已下载。"),
    # Train
    "train_about": (
        "Give G and D pictures, and watch how noise becomes clothes, fruits, or whatever you bring.",
        "给 G 和 D 一些图片，看噪声怎样一步步变成服饰、水果，或您带来的任何东西。",
    ),
    "train_data": ("Pictures", "图片"),
    "train_own": ("My own pictures", "我自己的图片"),
    "train_hub": ("A data set of the Hugging Face Hub", "Hugging Face Hub 数据集"),
    "train_upload": (
        "One ZIP, or at least 8 pictures; folders in a ZIP become classes",
        "一个 ZIP，或至少 8 张图片；ZIP 内的文件夹会成为类别",
    ),
    "train_hub_id": ("owner/name, as on the Hub", "Hub 上的 owner/name"),
    "train_preset": ("Recipe", "配方"),
    "train_size": ("Picture size", "图片尺寸"),
    "train_size_auto": ("as the set is", "按数据集"),
    "train_length": ("How long", "时长"),
    "train_unit": ("counted in", "单位"),
    "train_minutes": ("minutes", "分钟"),
    "train_steps": ("steps", "步"),
    "train_evaluations": ("evaluations without a better one", "次评估没有更好"),
    "train_start": ("Start training", "开始训练"),
    "train_more": (
        "More: name, widths, rates, loss, seed",
        "更多：名称、宽度、学习率、损失、种子",
    ),
    "train_name": ("Name of the run", "训练名称"),
    "train_name_about": ("Left empty: the data's name and a number.", "留空则为数据名加编号。"),
    "train_empty_about": (
        "What is left empty is as the recipe says.",
        "留空的项目按配方设置。",
    ),
    "train_batch": ("Batch size", "批大小"),
    "train_ngf": ("Width of G (ngf)", "G 的宽度（ngf）"),
    "train_ndf": ("Width of D (ndf)", "D 的宽度（ndf）"),
    "train_lr_g": ("Learning rate of G", "G 的学习率"),
    "train_lr_d": ("Learning rate of D", "D 的学习率"),
    "train_loss": ("Loss", "损失"),
    "train_augment": ("Augmentation of all that D sees", "对 D 所见一切的增强"),
    "train_flip": ("Mirror pictures at random (not digits)", "随机镜像图片（数字除外）"),
    "train_dropout": ("Dropout in D", "D 的 dropout"),
    "train_conditional": ("Teach the classes of the data", "学习数据的类别"),
    "train_seed": ("Seed", "种子"),
    "train_recipe": ("as the recipe says", "按配方"),
    "train_set_line": (
        "{about}. {size} pixels. Licence: {licence}. {where}",
        "{about}。{size} 像素。许可：{licence}。{where}",
    ),
    "train_here": ("On this machine.", "已在本机。"),
    "train_download": ("Will be downloaded.", "将会下载。"),
    # what can be wrong before a training starts
    "train_no_data": (
        "No pictures chosen. Upload a ZIP or at least 8 pictures, or choose a set.",
        "尚未选择图片。请上传一个 ZIP 或至少 8 张图片，或选择数据集。",
    ),
    "train_one_zip": (
        "These are several files, and a ZIP among them. Upload one ZIP, or pictures.",
        "上传了多个文件，其中有 ZIP。请只上传一个 ZIP，或只上传图片。",
    ),
    "train_hub_form": (
        "{got!r} is no Hub id. Write owner/name, as in the address of the data set's page.",
        "{got!r} 不是 Hub 名称。请按数据集页面的地址写成 owner/name。",
    ),
    "train_whole": ("{field} is {got}, but must be a whole number.", "{field} 为 {got}，但应为整数。"),
    "train_how_long": ("Train for more than 0 {unit}.", "训练时长必须大于 0（单位：{unit}）。"),
    "train_busy": (
        "Training {name!r} is still going on, and this machine trains one at a time. Stop it first, or wait for its end.",
        "训练 {name!r} 还在进行，本机一次只能训练一个。请先停止它，或等待其结束。",
    ),
    "train_name_taken": (
        "There is a run {name!r} already. Give another name, or choose it in the list of runs and go on with it.",
        "训练 {name!r} 已存在。请换一个名称，或在训练列表中选择它并继续。",
    ),
    "train_no_way_on": (
        "Run {name!r} ended before its first checkpoint, so there is nothing to go on from. Start a new one.",
        "训练 {name!r} 在第一个检查点之前就结束了，无法继续。请重新开始。",
    ),
    "train_nobody": (
        "Nobody is at work on run {name!r} any more. Choose Go on to take it up again.",
        "训练 {name!r} 已没有进程在运行。请点击“继续”重新接上。",
    ),
    # what can be wrong with what is asked of a run
    "ask_not_yours": (
        "Run {name!r} belongs to whoever started it. You may watch it, and start one of your own; to steer this one, "
        "open the page with the teacher's key.",
        "训练 {name!r} 属于启动它的人。您可以观看，也可以启动自己的训练；要控制它，请用教师密钥打开页面。",
    ),
    "ask_no_run": ("There is no run {name!r} any more.", "训练 {name!r} 已不存在。"),
    "ask_no_json": (
        "What was asked cannot be read. Send a JSON object that says 'what', as application/json.",
        "无法读取该请求。请以 application/json 发送含 'what' 的 JSON 对象。",
    ),
    "ask_stop_first": (
        "Run {name!r} is still going on. Stop it first; then it can be renamed or deleted.",
        "训练 {name!r} 还在进行。请先停止它，然后才能重命名或删除。",
    ),
    "ask_nothing_set": ("Nothing was changed. Give at least one new value.", "没有任何更改。请至少给出一个新值。"),
    "ask_no_checkpoint": (
        "Run {name!r} has kept no checkpoint yet, so there is nothing to go back to. Wait for its first one.",
        "训练 {name!r} 还没有保存检查点，无处可回。请等第一个检查点出现。",
    ),
    "ask_before_first": (
        "Step {step} lies before the first checkpoint that is still kept, step {first}. Choose that step or a later one.",
        "第 {step} 步早于现存最早的检查点（第 {first} 步）。请选择该步或更晚的一步。",
    ),
    "ask_not_there_yet": (
        "Step {step} has not been played yet; the run stands at step {last}. Choose an earlier one.",
        "还没有训练到第 {step} 步，目前是第 {last} 步。请选择更早的一步。",
    ),
    # a run, live
    "run_choose": ("Run", "训练"),
    "run_none": ("No training yet", "还没有训练"),
    "run_none_about": (
        "Here you will see what G paints from the same 64 latents, getting better; the losses of both players; "
        "and what D believes. Choose pictures, then press Start training.",
        "这里会显示 G 用同样 64 个潜变量画出的图片如何越来越好、双方的损失，以及 D 的判断。请选择图片，然后点击“开始训练”。",
    ),
    "run_state_preparing": ("Reading the pictures", "读取图片"),
    "run_state_running": ("Training", "训练中"),
    "run_state_pausing": ("Pausing after this step", "本步之后暂停"),
    "run_state_stopping": ("Stopping and saving", "正在停止并保存"),
    "run_state_paused": ("Paused", "已暂停"),
    "run_state_stopped": ("Stopped", "已停止"),
    "run_state_finished": ("Finished", "已完成"),
    "run_state_failed": ("Failed", "失败"),
    "run_state_dead": ("Broken off", "已中断"),
    "run_state_gone": ("Deleted", "已删除"),
    "run_state_empty": ("Empty", "空"),
    "run_dead": (
        "The training process ended without a word at step {step}: it was killed, ran out of memory, or the machine went down.",
        "训练进程在第 {step} 步意外结束：可能被终止、内存不足，或机器断电。",
    ),
    "run_dead_early": (
        "The training process ended without a word before its first step.",
        "训练进程在第一步之前意外结束。",
    ),
    "run_go_on_hint": ("Go on takes it up at its last checkpoint.", "“继续”会从最近的检查点接着训练。"),
    "run_again_hint": (
        "It had not saved anything yet: Go on begins it again, and its seed makes it the same.",
        "它还没有保存任何内容：“继续”会重新开始，相同的种子会得到同样的训练。",
    ),
    "run_gone": ("The folder of this run is not there any more.", "该训练的文件夹已不存在。"),
    "run_log": ("The last lines of its log", "日志的最后几行"),
    "run_unreadable": ("{n} pictures could not be read and were left out.", "有 {n} 张图片无法读取，已略过。"),
    "run_lost": (
        "No connection to the app; this is the last that was heard. The training goes on without the page.",
        "与应用的连接已断开，显示的是最后收到的内容。训练不依赖页面，仍在进行。",
    ),
    "run_pause": ("Pause", "暂停"),
    "run_go_on": ("Go on", "继续"),
    "run_stop": ("Stop and save", "停止并保存"),
    "run_open": ("Open in Generate", "在“生成”中打开"),
    "run_step": ("step {step} of {steps}", "第 {step} / {steps} 步"),
    "run_step_only": ("step {step}", "第 {step} 步"),
    "run_left": ("{time} left", "剩余 {time}"),
    "run_trained": ("{time} trained", "已训练 {time}"),
    "run_speed": ("{n} images/s", "{n} 张/秒"),
    "run_about": (
        "{data}, recipe {preset}, {size} pixels, batches of {batch}",
        "{data}，配方 {preset}，{size} 像素，每批 {batch} 张",
    ),
    "run_progress": ("Progress of the training", "训练进度"),
    "run_sheet": ("What G paints", "G 的画作"),
    "run_sheet_about": ("the same 64 latents every time", "始终是同样的 64 个潜变量"),
    "run_sheet_alt": (
        "64 pictures that G painted at step {step}, always from the same latents",
        "G 在第 {step} 步用同样的潜变量画出的 64 张图片",
    ),
    "run_sheet_wait": (
        "The first sheet appears when the pictures are read.",
        "图片读取完成后会出现第一张样本图。",
    ),
    "run_look_back": ("Look back", "回看"),
    "run_newest": ("newest", "最新"),
    "run_crisp": ("Crisp pixels", "清晰像素"),
    "run_enlarge": ("Enlarge", "放大"),
    "run_close": ("Close", "关闭"),
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
}

i18n = gr.I18n(**{lang: {key: words[n] for key, words in TEXT.items()} for n, lang in enumerate(LANGUAGES)})


def tr(key: str) -> I18nData:
    """The entry `key`, to be translated in the visitor's browser. Raises KeyError for one that is not in the table."""
    TEXT[key]
    return i18n(key)


def said(key: str, lang: str, **values: object) -> str:
    """The entry `key` in one language, filled in."""
    return TEXT[key][lang == "zh"].format(**values)


class PageError(UserError):
    """A UserError whose sentence stands in the page's own table."""

    def said(self, lang: str = "en") -> str:
        return said(self.key, lang, **self.values)


def language(cookies: Mapping[str, str], query: Mapping[str, str], accept: str = "") -> str:
    """A visitor's language: what the address says, else the switch's cookie, else what the browser prefers."""
    wish = query.get("lang") or cookies.get("lang") or accept
    return "zh" if wish.lower().startswith("zh") else "en"


def language_of(request: gr.Request | None) -> str:
    """The language of whoever sent a Gradio event."""
    if request is None:
        return "en"
    return language(request.cookies, request.query_params, request.headers.get("accept-language", ""))
