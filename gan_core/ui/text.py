"""Every string that the page shows, English and Chinese, in one table. What the core says is in gan_core/words.py.

`tr("key")` goes into a component: Gradio translates it in the visitor's browser. `said("key", lang)` is for sentences made
on the server. The scripts in static/ get the whole table with the page and read it with `t("key")`.
"""

from collections.abc import Mapping

import gradio as gr
from gradio.i18n import I18nData

from gan_core.errors import UserError
from gan_core.texts import TABLES

LANGUAGES = {"en": "English", "zh": "中文"}

TEXT: dict[str, tuple[str, str]] = {
    # the head of the page
    "title": ("DCGAN Studio", "DCGAN 工作室"),
    "tagline": (
        "Two networks play a game: one paints, one judges. Watch what the painter learned.",
        "两个网络的博弈：一个作画，一个鉴定。看看画家学会了什么。",
    ),
    "hero_alt": ("A slow walk through what the best model can paint", "在最佳模型所能画出的图片中缓缓漫步"),
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
    "film_gone": ("This film is no longer kept. Make it again.", "这部影片已不再保留。请重新生成。"),
    "film_busy": (
        "Other films are being made just now, as many as this machine makes at once. Try again in a moment.",
        "此刻正在生成其他影片，已达本机同时生成的上限。请稍后再试。",
    ),
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
    "sheet_live": (
        "{name} at step {step}, {size} pixels, live: newer snapshots take over as they come.",
        "{name}，第 {step} 步，{size} 像素，实时：新快照到来时会自动接替。",
    ),
    "sheet_empty": (
        "The model's pictures appear here as soon as it is loaded.",
        "模型载入后，它生成的图片会显示在这里。",
    ),
    "download_zip": ("All as ZIP", "全部下载（ZIP）"),
    "bring_back": ("Bring a saved picture back", "找回已保存的图片"),
    "drop_here": ("Drop a PNG that was saved here", "拖入在此保存的 PNG"),
    "crisp": ("Crisp pixels", "清晰像素"),
    "zip_coming": ("Packing {n} pictures …", "正在打包 {n} 张图片……"),
    "zip_came": ("{n} pictures are in your downloads.", "{n} 张图片已下载。"),
    "restored": ("{name} is back, with its model and settings.", "已找回 {name} 及其模型和设置。"),
    "drop_pickle": (
        "{name} is a pickle, which can run a stranger's code, so it is not opened. "
        "Drop a PNG that was saved here; put weights into weights/ as safetensors.",
        "{name} 是 pickle 文件，可能执行陌生人的代码，因此不会打开。请拖入在此保存的 PNG；权重请以 safetensors 格式放入 weights/。",
    ),
    "enlarged": ("One picture, enlarged", "放大的图片"),
    "no_seed": ("Between seeds", "介于种子之间"),
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
    "to_explore": ("Walk from here", "从这里漫步"),
    "previous": ("Previous picture", "上一张"),
    "next": ("Next picture", "下一张"),
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
    "matched": ("line at matched norm", "范数匹配的直线"),
    "film_alt": ("Film through {n} keyframes", "经过 {n} 个关键帧的影片"),
    "film_empty": (
        "The film appears here once there are two keyframes: add a seed below, or send a picture from Generate.",
        "有两个关键帧后，影片会显示在这里：请在下方添加种子，或从“生成”送来图片。",
    ),
    "scrub": ("Frame", "帧"),
    "keyframe_of": ("Keyframe {i}, seed {seed}: show it", "关键帧 {i}，种子 {seed}：显示"),
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
    "ask_fork_over": (
        "The fork begins at step {step}, and steps are counted on from there: until {until} is over already. Give more.",
        "分支从第 {step} 步开始并继续计步：到 {until} 步已经结束。请填更大的数。",
    ),
    "ask_not_there_yet": (
        "Step {step} has not been played yet; the run stands at step {last}. Choose an earlier one.",
        "还没有训练到第 {step} 步，目前是第 {last} 步。请选择更早的一步。",
    ),
    # what can be wrong with a time line
    "film_no_sheets": (
        "Run {name!r} has painted no sheet yet. Wait for its first one.",
        "训练 {name!r} 还没有画出样本图。请等第一张出现。",
    ),
    "film_sheet_lost": (
        "The sheet of step {step} cannot be read: it was deleted or damaged. Try again for a film without it.",
        "无法读取第 {step} 步的样本图：文件已被删除或损坏。请重试以生成不含它的影片。",
    ),
    "row_damaged": (
        "None of the snapshots of run {name!r} can be read. Wait for its next one.",
        "训练 {name!r} 的快照都无法读取。请等下一个快照出现。",
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
    "run_crisp": ("Crisp pixels", "清晰像素"),
    "run_state_queued": ("Waiting in the queue", "排队中"),
    "run_state_slow": ("Slow motion", "慢动作"),
    "run_state_returning": ("Going back, playing up to that step", "正在回退并重放到该步"),
    "run_sheet_gone": ("The sheet of step {step} is not there any more.", "第 {step} 步的样本图已不存在。"),
    "run_place": ("place {n} in the queue", "队列第 {n} 位"),
    "run_minutes_left": ("At most {n} more minutes on this host.", "在本服务器上最多还有 {n} 分钟。"),
    "run_memory": ("{n} MB", "{n} MB"),
    "run_watching": (
        "You are watching; whoever started it, or holds the teacher's key, steers.",
        "您正在观看；由启动者或持有教师密钥的人操控。",
    ),
    "run_slices": (
        "On this host the GPU comes in slices: it trains for up to 60 seconds at a time, from checkpoint to checkpoint.",
        "本服务器的 GPU 按时间片提供：每次最多训练 60 秒，从检查点到检查点接续。",
    ),
    "run_discard": ("Stop and discard", "停止并丢弃"),
    "run_discard_ask": (
        "Stop {name} and delete all of it: snapshots, curves, checkpoints? This cannot be undone.",
        "停止 {name} 并删除其全部内容（快照、曲线、检查点）？此操作无法撤销。",
    ),
    "run_cancel": ("Cancel", "取消"),
    "run_whole": ("Full screen", "全屏"),
    # the list of runs
    "runs": ("Runs", "训练列表"),
    "runs_menu": ("What can be done with {name}", "对 {name} 的操作"),
    "runs_compare": ("Beside the one on screen", "与当前训练并排显示"),
    "runs_settings": ("Copy its settings to the form", "把设置复制到表单"),
    "runs_copied": (
        "The settings of {name} are in the form. Change what you like, then press Start training.",
        "{name} 的设置已填入表单。可按需修改，然后点击“开始训练”。",
    ),
    "runs_copied_upload": (
        "The settings of {name} are in the form. Its pictures were uploaded: upload them again, then press Start training.",
        "{name} 的设置已填入表单。它的图片是上传的：请重新上传，然后点击“开始训练”。",
    ),
    "runs_rename": ("Rename", "重命名"),
    "runs_rename_ask": ("A new name for {name}", "{name} 的新名称"),
    "runs_delete": ("Delete", "删除"),
    "runs_delete_ask": (
        "Delete {name} with all its snapshots and curves? This cannot be undone.",
        "删除 {name} 及其所有快照和曲线？此操作无法撤销。",
    ),
    "runs_best": ("best distance {best}", "最佳距离 {best}"),
    # the time line
    "time_film": ("Film of the training", "训练过程影片"),
    "time_film_about": (
        "Every sheet of this run, one after the other, as a file.",
        "按顺序包含此次训练的每一张样本图，保存为文件。",
    ),
    "then_at": ("At step {step}:", "在第 {step} 步："),
    "then_back": ("Go back to here", "回到这一步"),
    "then_back_ask": (
        "Go back to step {step}? What was trained, changed and kept after it is dropped. The run pauses there; a fork keeps both.",
        "回到第 {step} 步？此后的训练、更改和保存都会被舍弃，训练会停在那里。若想两者都保留，请用分支。",
    ),
    "then_fork": ("Fork here …", "在此分支……"),
    "cure_now": ("Change now: {settings}", "立即更改：{settings}"),
    "cure_fork": ("Fork from step {step} with {settings}", "从第 {step} 步分支，并设 {settings}"),
    "fork_title": ("A fork of {name} at step {step}", "{name} 在第 {step} 步的分支"),
    "fork_about": (
        "A new run that begins as a copy of this one at its last checkpoint until then. What is left empty stays as it is.",
        "新的训练，从此前最近的检查点复制而来。留空的项目保持不变。",
    ),
    "fork_until": ("Until (steps in all, or a time)", "直到（总步数或时间）"),
    "fork_stop_start": ("Stop this run and start the fork", "停止当前训练并开始分支"),
    "fork_start": ("Start the fork", "开始分支"),
    # one latent through the training
    # the hand on the wheel
    "wheel_title": ("Take the wheel: move by move, slow motion, settings", "亲自操控：逐步、慢动作、设置"),
    "wheel_about": (
        "Let one player move alone, or both in turn, and look at every stage of that round. Stepping pauses the run first.",
        "让一方单独走一步，或双方轮流，并观察这一轮的每个阶段。单步会先暂停训练。",
    ),
    "wheel_step_D": ("D moves", "D 走一步"),
    "wheel_step_G": ("G moves", "G 走一步"),
    "wheel_step_both": ("Both move", "双方各走一步"),
    "wheel_slow": ("Slow motion", "慢动作"),
    "wheel_fast": ("Full speed", "全速"),
    "wheel_pace": ("A round takes", "每轮用时"),
    "wheel_seconds": ("{n} s", "{n} 秒"),
    "wheel_settings": ("Change settings while it runs", "运行中更改设置"),
    "wheel_settings_about": (
        "From the next step on. Each change is marked on the curves, and repeated when the run is resumed.",
        "从下一步起生效。每次更改都会标在曲线上，恢复训练时会重现。",
    ),
    "wheel_lr_D": ("Learning rate of D", "D 的学习率"),
    "wheel_lr_G": ("Learning rate of G", "G 的学习率"),
    "wheel_d_moves": ("Moves of D for one of G", "G 每走一步 D 走几步"),
    "wheel_label_smoothing": ("Label smoothing", "标签平滑"),
    "wheel_instance_noise": ("Instance noise", "实例噪声"),
    "wheel_color": ("colour", "颜色"),
    "wheel_translation": ("translation", "平移"),
    "wheel_cutout": ("cutout", "遮挡"),
    "wheel_apply": ("Change from the next step on", "从下一步起更改"),
    "moves_D": ("Step {step}: D moved alone. G stayed as it was.", "第 {step} 步：只有 D 走了一步，G 保持不变。"),
    "moves_G": ("Step {step}: G moved alone. D stayed as it was.", "第 {step} 步：只有 G 走了一步，D 保持不变。"),
    "moves_both": ("Step {step}: one round, both moved.", "第 {step} 步：一轮，双方各走一步。"),
    "moves_stage_z": ("Draw z", "抽取 z"),
    "moves_stage_paint": ("G paints", "G 作画"),
    "moves_stage_real": ("D judges real pictures", "D 鉴定真图"),
    "moves_stage_fake": ("D judges fakes", "D 鉴定假图"),
    "moves_stage_to_D": ("Gradient to D", "传给 D 的梯度"),
    "moves_stage_to_G": ("Gradient to G", "传给 G 的梯度"),
    "moves_gradient": (
        "dD/dx: what D would have changed in each fake. Lighter: brighter would look more real; mid-grey: leave it.",
        "dD/dx：D 希望怎样改变每张假图。越亮表示变亮会更真；中灰表示不变。",
    ),
    "moves_mean": ("mean of", "均值"),
    "moves_penalty": (
        "The gradient also holds the penalty on D's slope, which the formula leaves out.",
        "梯度中还包含对 D 斜率的惩罚项，公式中未列出。",
    ),
    "moves_shift": (
        "Gradient norm {grad}; the weights of {who} moved by {shift}.",
        "梯度范数 {grad}；{who} 的权重移动了 {shift}。",
    ),
    "moves_still": ("{who} does not move: its weights moved by {shift}.", "{who} 不动：其权重移动了 {shift}。"),
    "moves_layers": ("Gradient norm of each layer", "各层的梯度范数"),
    # what happened
    # a link for others
    "share": ("Share", "分享"),
    "share_about": (
        "This link opens the same run, step and language for everyone who can reach this address.",
        "凡能访问此地址的人，打开链接即可看到同一训练、同一步和同一语言。",
    ),
    "share_link": ("Link", "链接"),
    "share_code": ("QR code of the link", "链接的二维码"),
    "share_copy": ("Copy", "复制"),
    "share_copied": ("Copied.", "已复制。"),
    "share_select": ("Selected. Copy it with Ctrl+C.", "已选中，请按 Ctrl+C 复制。"),
    "share_hide": ("Hide the controls, for a lesson", "隐藏控件（上课用）"),
    "share_step": ("Open at step {step}", "打开第 {step} 步"),
    "share_open": (
        "This app serves this machine only, so everyone who opens it may steer.",
        "本应用只服务于本机，打开者都可操控。",
    ),
    "share_teacher": ("You hold the teacher's key and may steer every run.", "您持有教师密钥，可操控所有训练。"),
    "share_watch": (
        "You may steer the runs that you start. The teacher's key opens all of them.",
        "您可操控自己启动的训练。持有教师密钥可操控全部。",
    ),
    "share_key": ("Teacher's key", "教师密钥"),
    "share_key_wrong": ("This is not the teacher's key.", "这不是教师密钥。"),
    "share_key_use": ("Use it", "使用"),
    # a public host: what strangers may ask for
    "public_minutes": (
        "You asked for {got} minutes; on this public page each run may train for {most}. Choose fewer.",
        "您要求 {got} 分钟，而本公共页面上每次训练最多 {most} 分钟。请选择更短的时间。",
    ),
    "public_bound": (
        "{field} is {got}, and on this public page at most {most}. Choose a smaller one, or run the studio on your own machine.",
        "{field} 为 {got}，在本公共页面上最多为 {most}。请选择更小的值，或在自己的电脑上运行。",
    ),
    "public_upload": (
        "These pictures take {got} MB; this public page takes {most} MB. Choose fewer, or make them smaller.",
        "这些图片共 {got} MB，本公共页面最多接受 {most} MB。请减少图片，或把图片缩小。",
    ),
    "public_pictures": (
        "These are {got} pictures; this public page takes {most}. Choose fewer.",
        "共有 {got} 张图片，本公共页面最多接受 {most} 张。请减少图片。",
    ),
    "public_data": (
        "{got!r} is too large to be fetched for one visitor of this public page. Choose a set that is on this machine, or upload pictures.",
        "{got!r} 太大，本公共页面不会为一位访客下载。请选择本机已有的数据集，或上传图片。",
    ),
    "public_one": (
        "Your run {name!r} is waiting or going on, and on this public page everybody has one at a time. Stop it first, or wait for its end.",
        "您的训练 {name!r} 正在排队或进行中，本公共页面上每人一次只能有一个。请先停止它，或等待其结束。",
    ),
    "public_full": (
        "{n} runs are waiting, and the queue of this public page holds no more. Come back later.",
        "已有 {n} 个训练在排队，本公共页面的队列已满。请稍后再来。",
    ),
    "public_crowd": (
        "Too many people press Start at once. Try again in a moment.",
        "同时点击“开始”的人太多。请稍后再试。",
    ),
    "public_waits": (
        "Run {name!r} is waiting for its turn. Stop takes it out of the queue.",
        "训练 {name!r} 正在排队。点击“停止”可退出队列。",
    ),
    "public_uploads_gone": (
        "The pictures that run {name!r} learned from were deleted, as promised, some time after its end. Upload them again and start a new run.",
        "训练 {name!r} 所用的图片已按约定在其结束一段时间后删除。请重新上传并新建训练。",
    ),
    "public_why": (
        "This run could not go on. Why is told to nobody here, since it may name somebody's pictures. Most often they are too few, or cannot be read: "
        "check that each opens, in one ZIP without a password, and start a new run; on your own machine the studio tells all of it.",
        "此训练无法继续。原因可能涉及某人图片的文件名，因此不在这里显示。通常是图片太少或无法读取：请确认每张都能打开，"
        "打包为一个不设密码的 ZIP，再新建训练；在自己的电脑上运行时会显示全部详情。",
    ),
    "public_time_up": (
        "This public page gives a run {minutes} minutes at a time, pauses included. It was stopped and saved; Go on lets it queue again.",
        "本公共页面每次最多给一个训练 {minutes} 分钟（含暂停）。训练已停止并保存；点击“继续”可重新排队。",
    ),
    "public_run_large": (
        "This run fills more than {gigabytes} GB, which is all that this public page gives to one. It was stopped and saved.",
        "此训练占用超过 {gigabytes} GB，已达本公共页面对单个训练的上限。训练已停止并保存。",
    ),
    "public_about": (
        "On this public page a run may train for {minutes} minutes on pictures of at most {size} pixels. One run goes on at a time; "
        "yours waits for its turn. Your pictures are nobody else's to see and are deleted {uploads_hours} h after the run's end, the run itself after {runs_hours} h.",
        "在本公共页面上，每次训练最多 {minutes} 分钟，图片边长不超过 {size} 像素。一次只进行一个训练，其余排队等候。"
        "您上传的图片不会给别人看，训练结束 {uploads_hours} 小时后删除；训练本身在 {runs_hours} 小时后删除。",
    ),
    # a GPU that comes in slices
    "zero_about": (
        "The GPU of this page comes in slices of up to 60 seconds, from your own quota, so a run goes on only as long as you keep the page open. "
        "It may train for {minutes} minutes on pictures of at most {size} pixels. Your pictures are nobody else's to see and are deleted "
        "{uploads_hours} h after the run's end, the run itself after {runs_hours} h.",
        "本页面的 GPU 以最长 60 秒的时间片提供，并计入您自己的配额，因此只有页面开着时训练才会进行。每次训练最多 {minutes} 分钟，图片边长不超过 {size} 像素。"
        "您上传的图片不会给别人看，训练结束 {uploads_hours} 小时后删除；训练本身在 {runs_hours} 小时后删除。",
    ),
    "run_state_slices": ("Waiting for its next slice of GPU", "等待下一个 GPU 时间片"),
    "zero_by_hand": (
        "Here a run goes on in slices of GPU time, so it cannot wait for moves by hand. Stop it, or run the studio on your own machine.",
        "这里的训练按 GPU 时间片进行，无法等待手动操作。请停止训练，或在自己的电脑上运行。",
    ),
    "zero_refused": (
        "No slice of GPU was to be had: {why} Everything is saved; choose Go on later.",
        "没有取得 GPU 时间片：{why} 一切均已保存，请稍后点击“继续”。",
    ),
}

for table in TABLES.values():
    TEXT |= table

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
