"""Every sentence that the core says to a person, English and Chinese, in one table. The page's words are in ui/text.py.

Imports nothing. A sentence names what came, what was wanted and what to do, in that order.
"""

ERRORS: dict[str, tuple[str, str]] = {
    # choices and numbers
    "unknown": ("Unknown {kind} {got!r}. Known: {known}.", "未知的 {kind}：{got!r}。可用的有：{known}。"),
    "unknown_near": (
        "Unknown {kind} {got!r}; did you mean {near!r}? Known: {known}.",
        "未知的 {kind}：{got!r}，您是想写 {near!r} 吗？可用的有：{known}。",
    ),
    "out_of_range": (
        "{field} is {got}, but must lie between {low} and {high}.",
        "{field} 为 {got}，但必须在 {low} 与 {high} 之间。",
    ),
    "config_type": ("{field} is {got}, but must be {wanted}.", "{field} 为 {got}，但应为 {wanted}。"),
    "penalty_with_batch_norm": (
        "A gradient penalty scores pictures one by one, but batch norm in D mixes the batch. "
        "Choose norm_D none or spectral, or drop the penalty.",
        "梯度惩罚需要逐张评判图片，而 D 中的批归一化会把整批混在一起。请把 norm_D 设为 none 或 spectral，或去掉该惩罚。",
    ),
    "no_target": (
        "label_smoothing has no meaning for {loss}, which has no target to smooth: it compares real with fake. Set it to 0.",
        "label_smoothing 对 {loss} 没有意义：它只比较真与假，没有可平滑的目标。请设为 0。",
    ),
    # directions
    "direction_empty_group": (
        "The groups have {plus} and {minus} pictures. Put at least one into each.",
        "两组分别有 {plus} 张和 {minus} 张图片。请每组至少放一张。",
    ),
    # weights
    "no_weights": (
        "No weights at {got!r}. Give a folder with config.json and model.safetensors, a run folder, or a Hub id like user/model.",
        "在 {got!r} 找不到权重。请给出含 config.json 与 model.safetensors 的文件夹、训练文件夹，或形如 user/model 的 Hub 名称。",
    ),
    "no_snapshot": (
        "{where} has no snapshot yet. Wait for its first one, or open another run.",
        "{where} 还没有快照。请等第一个快照出现，或打开另一个训练。",
    ),
    "no_such_snapshot": (
        "{where} has no snapshot {got!r}. There are: {known}. Give one of these after the @, or none for the newest.",
        "{where} 没有快照 {got!r}。现有：{known}。请在 @ 后写其中之一，或不写以使用最新的。",
    ),
    "weights_incomplete": (
        "{where} has no {missing}. A weights folder holds config.json and model.safetensors; copy both.",
        "{where} 中缺少 {missing}。权重文件夹应含 config.json 和 model.safetensors，请把两者都复制过来。",
    ),
    "weights_config": (
        "{where} does not describe a model: {why} Take the config.json that was saved with these weights.",
        "{where} 不是有效的模型描述：{why} 请使用与这些权重一同保存的 config.json。",
    ),
    "weights_damaged": (
        "{where} cannot be read: {why}. It was probably cut short; copy or download it again.",
        "无法读取 {where}：{why}。文件可能不完整，请重新复制或下载。",
    ),
    "weights_misfit": (
        "The weights in {where} do not fit their config.json: {name} is {got}, wanted {wanted}. "
        "Take both files from the same save.",
        "{where} 中的权重与 config.json 不符：{name} 为 {got}，应为 {wanted}。请使用同一次保存的两个文件。",
    ),
    "pickle": (
        "{got} is a pickle, which can run a stranger's code, so it is not opened. Convert it where you trust it: "
        "safetensors.torch.save_file(torch.load(FILE, weights_only=True), 'model.safetensors').",
        "{got} 是 pickle 文件，可能执行陌生人的代码，因此不会打开。请在可信的环境中转换："
        "safetensors.torch.save_file(torch.load(FILE, weights_only=True), 'model.safetensors')。",
    ),
    "hub": (
        "Cannot get {got} from the Hugging Face Hub: {why} Check the name and the network, or give a local folder.",
        "无法从 Hugging Face Hub 获取 {got}：{why} 请检查名称与网络，或改用本地文件夹。",
    ),
    "no_such_label": (
        "There is no class {got}: this model has {classes} classes, counted from 0.",
        "没有类别 {got}：该模型共有 {classes} 个类别，从 0 开始计数。",
    ),
    # training
    "diverged": (
        "The losses stopped being numbers by step {step}. Go back to the last checkpoint with a lower learning rate.",
        "到第 {step} 步时，损失已不再是有效数值。请回到上一个检查点，并降低学习率。",
    ),
    "pictures_misfit": (
        "The pictures are {got}, but the model wants {wanted} (channels, height, width). Load them at the model's size.",
        "图片为 {got}，而模型需要 {wanted}（通道、高、宽）。请按模型的尺寸载入图片。",
    ),
    "batch_too_large": (
        "{n} pictures cannot fill one batch of {batch_size}. Choose a smaller batch size, or add pictures.",
        "{n} 张图片填不满大小为 {batch_size} 的一批。请减小批大小，或增加图片。",
    ),
    "batch_uneven": (
        "A batch of {size} cannot be shared equally by {world} processes. Choose a batch size that {world} divides, like {near}.",
        "大小为 {size} 的一批无法由 {world} 个进程平均分担。请选择能被 {world} 整除的批大小，例如 {near}。",
    ),
    "classes_misfit": (
        "The data set has {got} classes, but the model wants {wanted}. Set num_classes to the number of the data set, or to 0.",
        "数据集有 {got} 个类别，而模型需要 {wanted} 个。请把 num_classes 设为数据集的类别数，或设为 0。",
    ),
    "until": (
        "Cannot read --until {got!r}. Give steps (5000), a time (90s, 10m, 1h30m) or 'no better for 5'.",
        "无法理解 --until {got!r}。请给出步数（5000）、时间（90s、10m、1h30m）或 'no better for 5'。",
    ),
    "no_measure": (
        "'no better for N' needs measured samples, but measure is 0 or there are fewer than {fewest} pictures. "
        "Set measure to 2000, add pictures, or give steps or a time.",
        "'no better for N' 需要测量样本，但 measure 为 0，或图片少于 {fewest} 张。请把 measure 设为 2000、添加图片，或改用步数或时间。",
    ),
    "no_device": (
        "There is no device {got!r} here. Known: {known}.",
        "这里没有设备 {got!r}。可用的有：{known}。",
    ),
    "does_not_fit": (
        "Batch size {batch_size} at {image_size} pixels with ngf {ngf} and ndf {ndf} does not fit into the memory of {device}. "
        "Choose a smaller batch size, image size or width.",
        "批大小 {batch_size}、{image_size} 像素、ngf {ngf}、ndf {ndf} 超出了 {device} 的内存。请减小批大小、图片尺寸或宽度。",
    ),
    "pictures_do_not_fit": (
        "The pictures do not fit into the memory of this machine. Choose a smaller image size, or give fewer pictures.",
        "图片超出了本机的内存。请减小图片尺寸或图片数量。",
    ),
    "nothing_conditional": (
        "{name} has no classes to be conditional on. Sort the pictures into one folder for each class, or leave out --conditional.",
        "{name} 没有类别，无法进行条件训练。请按类别把图片放入子文件夹，或去掉 --conditional。",
    ),
    # many processes
    "rank_lost": (
        "Another process of this training ended ({why}). Its own output says why; the same command with --resume goes "
        "on from the last checkpoint.",
        "本次训练的另一个进程已结束（{why}）。原因见该进程的输出；用同一命令加 --resume 可从最近的检查点继续。",
    ),
    "rank_cannot": (
        "Process {rank} cannot take part: {why} Put that right there, and start again.",
        "进程 {rank} 无法参与：{why} 请在该处解决后重新开始。",
    ),
    "rank_data": (
        "Process {rank} found other pictures than process 0 under the same name. Give every machine the same data.",
        "进程 {rank} 在同一名称下找到的图片与进程 0 不同。请让每台机器使用相同的数据。",
    ),
    # the run folder
    "run_name": (
        "{got!r} cannot name a run. Use letters, digits, space, '.', '_', '+' or '-', at most 80, starting with a letter or digit.",
        "{got!r} 不能用作训练名称。请使用字母、数字、空格、'.'、'_'、'+' 或 '-'，最多 80 个，并以字母或数字开头。",
    ),
    "run_exists": (
        "There is a run {name!r} already. Add --resume to go on with it, or choose another name.",
        "训练 {name!r} 已存在。加上 --resume 可继续，或换一个名称。",
    ),
    "no_such_run": (
        "There is no run {name!r} in {where} to go on with. Check the name, or leave out --resume to start it.",
        "{where} 中没有可继续的训练 {name!r}。请检查名称，或去掉 --resume 以新建。",
    ),
    "viewers_vain": (
        "The page, the training or the viewers did not answer within {seconds} s. Try again when the machine is less busy.",
        "页面、训练或观看者在 {seconds} 秒内没有响应。请在机器空闲时重试。",
    ),
    "walk_where": (
        "bench --walk drives a Chromium before the page, app.py: run it in a clone of the repository, after "
        "`pip install playwright` and with Chromium installed ($CHROMIUM names another one).",
        "bench --walk 用 Chromium 打开页面 app.py：请在仓库克隆中运行，并先 `pip install playwright`、安装 Chromium（可用 $CHROMIUM 指定）。",
    ),
    "viewers_where": (
        "bench --viewers starts the page, app.py, and reads /proc: run it on Linux, in a clone of the repository.",
        "bench --viewers 会启动页面 app.py 并读取 /proc：请在 Linux 上的仓库克隆中运行。",
    ),
    "key_bad": (
        "{got!r} cannot be the teacher's key. Give {least} or more letters and digits without spaces: fewer can be guessed.",
        "{got!r} 不能用作教师密钥。请使用至少 {least} 个英文字母和数字，不含空格，太短容易被猜到。",
    ),
    "run_busy": (
        "Another training is writing to run {name!r}. Stop that one first, or choose another name.",
        "另一个训练正在写入 {name!r}。请先停止它，或换一个名称。",
    ),
    "run_idle": (
        "Nobody plays run {name!r}: it is {state} at step {step}. `resume {name}` goes on with it.",
        "训练 {name!r} 没有在进行：状态为 {state}，第 {step} 步。可用 `resume {name}` 继续。",
    ),
    "run_gone": (
        "The folder of run {name!r} was taken away while it was at work, so it has ended. There is nothing left to go on "
        "with: start a new one.",
        "训练 {name!r} 的文件夹在训练过程中被移走，训练已结束。没有可继续的内容，请重新开始。",
    ),
    "at_the_end": (
        "Run {name!r} has played all of its {steps} steps. Go on with more steps, or go back to an earlier one.",
        "训练 {name!r} 已完成全部 {steps} 步。请增加步数后继续，或退回到更早的一步。",
    ),
    "no_way_back": (
        "Run {name!r} began as a copy of another and keeps nothing so old as step {got}. It can go back to: {known}, or "
        "to a later step.",
        "训练 {name!r} 由另一个训练复制而来，没有早至第 {got} 步的存档。可退回到：{known}，或其后的步。",
    ),
    "order_refused": (
        "{name} does not do that: {why}",
        "{name} 没有执行：{why}",
    ),
    "order_waits": (
        "{name} has not answered for {seconds} seconds; it does what was asked after the step in hand. `runs` tells how it stands.",
        "{name} 已有 {seconds} 秒没有回应；当前这一步结束后会执行。可用 `runs` 查看状态。",
    ),
    "nothing_set": (
        "Nothing named to set. While a run plays, these can be changed: {known}.",
        "没有给出要更改的设置。训练过程中可以更改：{known}。",
    ),
    "back_idle": (
        "Nobody plays run {name!r}. `resume {name} --at {step}` goes on with it from there.",
        "训练 {name!r} 没有在进行。可用 `resume {name} --at {step}` 从该步继续。",
    ),
    "no_checkpoint": (
        "No checkpoint in {where} can be read, so the run cannot go on. Start a new one under another name.",
        "{where} 中没有可读取的检查点，无法继续。请用新名称重新开始。",
    ),
    "resume_model": (
        "{field} {got} cannot be changed while resuming: the run was built with {wanted}. Start a new run for another model.",
        "继续训练时不能更改 {field}（给出 {got}，原为 {wanted}）。更换模型请新建训练。",
    ),
    "fork_model": (
        "{field} {got} cannot be changed in a fork: the checkpoint was built with {wanted}. Start a new run for another model.",
        "从检查点分支时不能更改 {field}（给出 {got}，检查点为 {wanted}）。更换模型请新建训练。",
    ),
    "fork_data": (
        "{got!r} no longer holds the pictures that the run learned from. Name the pictures to go on with: --data D; others are welcome.",
        "{got!r} 中已不是原来训练所用的图片。请用 --data 指明接下来使用的图片，也可以换成别的图片。",
    ),
    "no_such_checkpoint": (
        "Run {name!r} keeps no checkpoint {got}. Kept: {known}. Give one of these after the @, or none for the newest.",
        "训练 {name!r} 没有保留检查点 {got}。保留的有：{known}。请在 @ 后写其中之一，或不写以使用最新的。",
    ),
    "resume_data": (
        "{got!r} does not hold the pictures that this run learned from ({wanted!r}). Give the same data, or start a new run.",
        "{got!r} 不是该训练原来使用的图片（{wanted!r}）。请提供相同的数据，或新建训练。",
    ),
    "no_data_named": (
        "No pictures named. Give --data: a bundled set (fashion-mini, fruits-mini), a set by name, a folder, a ZIP or a Hub id.",
        "未指定图片。请用 --data 给出内置数据集（fashion-mini、fruits-mini）、数据集名称、文件夹、ZIP 或 Hub 名称。",
    ),
    "cannot_write": (
        "Cannot write {where}: {why}. Free some space or choose another folder with --runs; what was saved before is untouched.",
        "无法写入 {where}：{why}。请腾出空间，或用 --runs 选择其他文件夹；此前保存的内容不受影响。",
    ),
    # pictures in
    "path_missing": ("{path} does not exist. Check the path.", "{path} 不存在。请检查路径。"),
    "data_unreadable": ("{path} cannot be read: {reason}.", "无法读取 {path}：{reason}。"),
    "folder_empty": (
        "{path} holds no pictures. Put some in ({suffixes}); folders inside it become classes.",
        "{path} 中没有图片。请放入图片（{suffixes}）；其中的子文件夹会成为类别。",
    ),
    "zip_empty": ("{path} holds no pictures ({suffixes}).", "{path} 中没有图片（{suffixes}）。"),
    "zip_not": (
        "{path} is neither a folder nor a ZIP. Give a folder of pictures or a ZIP of them.",
        "{path} 既不是文件夹也不是 ZIP。请提供图片文件夹或图片 ZIP。",
    ),
    "zip_broken": (
        "{path} is a ZIP that was cut short or damaged. Copy or download it again.",
        "{path} 是不完整或已损坏的 ZIP。请重新复制或下载。",
    ),
    "zip_locked": (
        "{path} is locked with a password. Pack the pictures again without one.",
        "{path} 设有密码。请不设密码重新打包。",
    ),
    "zip_members": (
        "{path} holds {got} files, more than the limit of {limit}. Split it, or give the unpacked folder.",
        "{path} 含有 {got} 个文件，超过上限 {limit}。请拆分，或直接提供解压后的文件夹。",
    ),
    "zip_member_bytes": (
        "{member} in {path} unpacks to {got}, more than the limit of {limit} for one picture. Leave it out.",
        "{path} 中的 {member} 解压后为 {got}，超过单张图片的上限 {limit}。请将其移除。",
    ),
    "zip_total_bytes": (
        "{path} unpacks to {got}, more than the limit of {limit}. Split it, or give the unpacked folder.",
        "{path} 解压后共 {got}，超过上限 {limit}。请拆分，或直接提供解压后的文件夹。",
    ),
    "zip_ratio": (
        "{path} unpacks to {got} times its size, more than the limit of {limit}: pictures do not shrink like that. "
        "If you trust it, give the unpacked folder.",
        "{path} 解压后膨胀 {got} 倍，超过上限 {limit}：图片不会压缩到这种程度。如果您信任它，请直接提供解压后的文件夹。",
    ),
    "zip_pixels": (
        "{member} in {path} has more pixels than the limit of {limit} for one picture. Shrink it or leave it out.",
        "{path} 中的 {member} 像素数超过单张图片的上限 {limit}。请缩小或移除它。",
    ),
    "data_too_few": (
        "{name} holds {good} good pictures, but at least {fewest} are needed. Add more.",
        "{name} 只有 {good} 张可用图片，至少需要 {fewest} 张。请添加更多图片。",
    ),
    "data_too_few_skipped": (
        "{name} holds {good} good pictures, but at least {fewest} are needed; {skipped} could not be read ({first}). "
        "Add more, or mend these.",
        "{name} 只有 {good} 张可用图片，至少需要 {fewest} 张；另有 {skipped} 张无法读取（{first}）。请添加更多图片或修复它们。",
    ),
    "data_too_large": (
        "{name}: {count} pictures of {size} pixels need {needed}; memory should hold no more than {limit}, and {where} has place for {free}. "
        "Choose image_size {fits}, which fits; or free some space; or name another folder with $GAN_CORE_DATA.",
        "{name}：{count} 张 {size} 像素的图片需要 {needed}；内存最多容纳 {limit}，{where} 的磁盘可用 {free}。"
        "请把 image_size 设为 {fits}，这样放得下；或腾出空间；或用 $GAN_CORE_DATA 指定其他文件夹。",
    ),
    "data_too_many": (
        "{name}: {count} pictures of {size} pixels need {needed}; memory should hold no more than {limit}, and {where} has place for {free}. "
        "Give at most {most} pictures; or free some space; or name another folder with $GAN_CORE_DATA.",
        "{name}：{count} 张 {size} 像素的图片需要 {needed}；内存最多容纳 {limit}，{where} 的磁盘可用 {free}。"
        "请最多提供 {most} 张图片；或腾出空间；或用 $GAN_CORE_DATA 指定其他文件夹。",
    ),
    "cannot_prepare": (
        "Cannot prepare the pictures of {name} in {where}: {why}. Free some space there, or name another folder with $GAN_CORE_DATA.",
        "无法在 {where} 中预处理 {name} 的图片：{why}。请在那里腾出空间，或用 $GAN_CORE_DATA 指定其他文件夹。",
    ),
    "idx_broken": (
        "{path} is not a whole idx file of pictures with their labels. Delete it and download it again.",
        "{path} 不是完整的 idx 图片文件，或与其标签不符。请删除后重新下载。",
    ),
    "data_root_without": (
        "{path} does not hold {name} whole (looked for {wanted}). Name the folder that does, or none to download it.",
        "{path} 中没有完整的 {name}（需要 {wanted}）。请指定包含它的文件夹，或不指定以便下载。",
    ),
    "needs_package": (
        "{name} needs the package {package}. Install it: pip install {package}",
        "{name} 需要 {package} 包。请安装：pip install {package}",
    ),
    "download_failed": (
        "{name} could not be downloaded: {reason}. Check the network, or name a folder that holds it as the data root; "
        "fashion-mini and fruits-mini need no network.",
        "无法下载 {name}：{reason}。请检查网络，或把已有该数据的文件夹指定为 data root；fashion-mini 与 fruits-mini 无需网络。",
    ),
    "hub_failed": (
        "{name} is no folder or ZIP here, and could not be had from the Hugging Face Hub: {reason}. "
        "Check the name and the network; if it was downloaded before, set HF_HUB_OFFLINE=1.",
        "本机没有名为 {name} 的文件夹或 ZIP，也无法从 Hugging Face Hub 获取：{reason}。请检查名称和网络；若以前下载过，请设置 HF_HUB_OFFLINE=1。",
    ),
    "hub_needs_datasets": (
        "{name} is no folder or ZIP of pictures here; to read a Hub set or parquet files, pip install datasets",
        "{name} 不是本机的图片文件夹或 ZIP；若要读取 Hub 数据集或 parquet 文件，请运行 pip install datasets",
    ),
    "hub_no_pictures": (
        "{name} has no column of pictures; its columns are {columns}. Choose a data set of pictures.",
        "{name} 没有图片列；其列为 {columns}。请选择图片数据集。",
    ),
    # measures
    "no_classes": (
        "{got!r} has no classes, which the feature network learns from. Give a set or a folder with one sub-folder for each class.",
        "{got!r} 没有类别，而特征网络要靠类别来学习。请使用带类别的数据集，或每类一个子文件夹的文件夹。",
    ),
    # pictures out: sheets, films, PNGs with their recipe
    "truncation": (
        "truncation is {got}, but must be above 0 and at most 1 (1 changes nothing, less is tamer).",
        "truncation 为 {got}，但必须大于 0 且不超过 1（1 表示不变，越小越保守）。",
    ),
    "seeds": (
        "{got!r} is no list of seeds. Give whole numbers with commas between them, like 1,5,9.",
        "{got!r} 不是种子列表。请给出用逗号分隔的整数，例如 1,5,9。",
    ),
    "too_few_keyframes": (
        "A walk needs two keyframes at least, but there are {got}. Give another seed.",
        "插值至少需要两个关键帧，但只有 {got} 个。请再给出一个种子。",
    ),
    "too_few_frames": (
        "{got} frames cannot show {keyframes} keyframes. Ask for {keyframes} frames or more.",
        "{got} 帧无法容纳 {keyframes} 个关键帧。请至少使用 {keyframes} 帧。",
    ),
    "too_many_pixels": (
        "{count} times {width} x {height} pixels are more than the limit of {limit} in all. "
        "Ask for fewer pictures or a smaller scale.",
        "{count} 张 {width} x {height} 像素的图片超过总像素上限 {limit}。请减少图片数量或缩小倍数。",
    ),
    "no_ffmpeg": (
        "MP4 needs ffmpeg, which is not here. Install it (apt install ffmpeg, or pip install imageio-ffmpeg), "
        "or choose .webp, which needs nothing.",
        "生成 MP4 需要 ffmpeg，但这里没有。请安装（apt install ffmpeg 或 pip install imageio-ffmpeg），"
        "或改用无需额外软件的 .webp。",
    ),
    "ffmpeg_failed": (
        "ffmpeg could not make the film: {why}. Choose .webp, which does not need it.",
        "ffmpeg 无法生成影片：{why}。请改用不依赖它的 .webp。",
    ),
    "cannot_save": (
        "Cannot write {where}: {why}. Choose another place, or free some space.",
        "无法写入 {where}：{why}。请换一个位置，或腾出空间。",
    ),
    "not_png": (
        "This is not a PNG that can be read. Give a PNG that was saved here, unchanged.",
        "这不是可读取的 PNG。请提供在此保存且未经修改的 PNG。",
    ),
    "no_recipe": (
        "This PNG does not say how it was made. Give one that was saved here; messengers and editors strip the note.",
        "这张 PNG 没有记录生成方式。请提供在此保存的 PNG；聊天软件和图片编辑器会删去该信息。",
    ),
    "bad_recipe": (
        "This PNG's note on how it was made is damaged: {why}. Give the file as it was saved here.",
        "这张 PNG 的生成记录已损坏：{why}。请提供保存时的原文件。",
    ),
    "recipe_z": (
        "This PNG's z has {got} numbers, but the model's has {wanted}. Choose the model that it was made with.",
        "这张 PNG 的 z 有 {got} 个数，而模型需要 {wanted} 个。请选择生成它的模型。",
    ),
    "recipe_y": (
        "This PNG has weights for {got} classes, but the model has {wanted}. Choose the model that it was made with.",
        "这张 PNG 含 {got} 个类别的权重，而模型有 {wanted} 个类别。请选择生成它的模型。",
    ),
    # pushing to the Hub
    "push_name": (
        "{got!r} cannot name a place on the Hub. Give USER/NAME, of letters, digits, '-', '_' and '.', like ada/fruits.",
        "{got!r} 不能作为 Hub 上的名称。请写成 用户/名称，只用字母、数字、'-'、'_' 和 '.'，例如 ada/fruits。",
    ),
    "push_offline": (
        "Nothing was pushed to {got}: HF_HUB_OFFLINE is set, which forbids all traffic to the Hub. Unset it, and push again.",
        "没有推送到 {got}：已设置 HF_HUB_OFFLINE，它禁止与 Hub 的一切通信。请取消该设置后重新推送。",
    ),
    "push_nobody": (
        "Nothing was pushed to {got}: nobody is logged in to the Hugging Face Hub here. Run `hf auth login`, or set HF_TOKEN "
        "to a token that may write, from {tokens}.",
        "没有推送到 {got}：此处没有登录 Hugging Face Hub。请运行 `hf auth login`，或把 HF_TOKEN 设为具有写权限的令牌（{tokens}）。",
    ),
    "push_token": (
        "Nothing was pushed to {got}: the Hub does not know this token; it may be mistyped or taken back. Take one that may "
        "write from {tokens}, and run `hf auth login`, or set HF_TOKEN.",
        "没有推送到 {got}：Hub 不认识此令牌，可能输入有误或已被撤销。请从 {tokens} 取得具有写权限的令牌，再运行 `hf auth login` 或设置 HF_TOKEN。",
    ),
    "push_forbidden": (
        "Nothing was pushed to {got}: the Hub does not let {who} write there. Give your own USER/NAME, and a token that may "
        "write, from {tokens}.",
        "没有推送到 {got}：Hub 不允许 {who} 写入该处。请使用自己的 用户/名称，以及具有写权限的令牌（{tokens}）。",
    ),
    "push_network": (
        "Nothing was pushed to {got}: {where} does not answer. Check the network, and push again.",
        "没有推送到 {got}：{where} 没有响应。请检查网络后重新推送。",
    ),
    "push_failed": (
        "Pushing to {got} failed: {why}. What was there before is unchanged; push again, or choose another name.",
        "推送到 {got} 失败：{why}。原有内容未变；请重新推送，或换一个名称。",
    ),
    # a page of its own
    "export_nowhere": (
        "There is no place to export to. Give --out DIR for a folder, --push USER/NAME for the Hub, or both.",
        "没有指定导出位置。请用 --out DIR 指定文件夹，用 --push 用户/名称 推送到 Hub，或两者都给。",
    ),
    "export_run": (
        "--run shows how a run learned, which only a page can. Add --format page, or leave out --run.",
        "--run 用于展示训练过程，只有页面才能显示。请加上 --format page，或去掉 --run。",
    ),
    "page_foreign": (
        "{where} is not empty, and what is in it was not written by `export --format page`. Choose an empty folder or a new one.",
        "{where} 不是空的，其中的内容也不是由 `export --format page` 写入的。请选择空文件夹或新文件夹。",
    ),
    "page_file": (
        "{where} is a file, but a page needs a folder. Choose another name for --out.",
        "{where} 是文件，而页面需要文件夹。请为 --out 换一个名称。",
    ),
    "page_no_sheets": (
        "The run {name!r} has no sample sheets, so there is no time line to show. Leave out --run, or give another run.",
        "训练 {name!r} 没有样本图，因此没有可显示的时间线。请去掉 --run，或给出另一个训练。",
    ),
    "page_run": (
        "{got!r} is no run: there is no events.jsonl in it. Give a run's name, or the path of its folder.",
        "{got!r} 不是训练：其中没有 events.jsonl。请给出训练的名称或其文件夹路径。",
    ),
    "page_part": (
        "This installation lacks {part}, which a page needs. Install gan_core again, from a whole copy.",
        "此安装缺少页面所需的 {part}。请从完整的副本重新安装 gan_core。",
    ),
}

# What the doctor says: what is seen, why it happens, what to change.
ADVICE: dict[str, tuple[str, str]] = {
    "collapse": (
        "G's pictures are too much alike (they spread {spread:.0%} as far as real ones, and {twins:.0%} have a twin), "
        "because a few that fool D pay G better than many: go back to a snapshot from before this, and try {cure}.",
        "G 的图片过于相似（分布宽度只有真实图片的 {spread:.0%}，{twins:.0%} 有近似的孪生图片），因为少数能骗过 D 的图片比多样的图片更划算："
        "请回到此前的快照，并尝试 {cure}。",
    ),
    "collapse_classes": (
        "G paints only some of the classes ({missing} of {classes} are missing among 256 pictures), "
        "because those already fool D: go back to a snapshot from before this, and try {cure}.",
        "G 只画出部分类别（256 张图片中缺少 {classes} 类里的 {missing} 类），因为画出的这些已能骗过 D："
        "请回到此前的快照，并尝试 {cure}。",
    ),
    "saturated": (
        "G learns nothing more: the slope of the minimax loss is D(G(z)), which is {slope:.2g} here, "
        "because D is sure of itself ({sure:.0%} of real pictures rank above fakes): try {cure}, whose slope is 1 - D(G(z)).",
        "G 已学不到东西：minimax 损失的斜率就是 D(G(z))，此时为 {slope:.2g}，因为 D 已十分确信（{sure:.0%} 的真实图片排在假图之前）："
        "请尝试 {cure}，其斜率为 1 - D(G(z))。",
    ),
    "vanishing": (
        "Hardly any gradient reaches G ({left:.1g} of what it was), because D is sure of itself "
        "({sure:.0%} of real pictures rank above fakes) and flat where the fakes lie: weaken D, try {cure}.",
        "几乎没有梯度传到 G（仅为最强时的 {left:.1g}），因为 D 十分确信（{sure:.0%} 的真实图片排在假图之前），且在假图附近变得平坦："
        "请削弱 D，尝试 {cure}。",
    ),
    "overfitting": (
        "D knows its pictures by heart ({knows:.0%} of them rank above {strangers} it never learns from), because they are "
        "too few for its size, so that soon it will teach G nothing but copying: try {cure}, or add pictures.",
        "D 已把训练图片背下来了（它们有 {knows:.0%} 排在 {strangers} 张它从未学过的图片之前），因为图片相对其规模太少，不久它就只会教 G 抄袭："
        "请尝试 {cure}，或增加图片。",
    ),
    "diverging": (
        "D's scores are running away (loss D {loss_D:.3g}, loss G {loss_G:.3g}), because each player's steps are larger than "
        "the other can answer or nothing bounds D: go back to a snapshot from before this, and try {cure}.",
        "D 的打分正在失控（D 损失 {loss_D:.3g}，G 损失 {loss_G:.3g}），因为一方的步子大到另一方无法应对，或 D 没有任何约束："
        "请回到此前的快照，并尝试 {cure}。",
    ),
    "diverged": (
        "The losses or weights stopped being numbers by step {step}, because the steps were too large: "
        "go on from the last checkpoint with {cure}.",
        "到第 {step} 步时，损失或权重已不再是有效数值，因为步子太大：请从上一个检查点继续，并使用 {cure}。",
    ),
    "oscillating": (
        "G and D chase each other in circles (all of G's pictures move by {moved:.1f} spreads of real ones from look to look), "
        "because each overshoots what the other has just left: try {cure}.",
        "G 与 D 正在互相绕圈追逐（每次查看之间，G 的全部图片平均移动了真实分布宽度的 {moved:.1f} 倍），因为双方都冲过了对方刚离开的位置："
        "请尝试 {cure}。",
    ),
    "no_better": (
        "The pictures stopped getting better {since} evaluations ago (the best was step {best}: distance {frechet:.3g}, now "
        "{now:.3g}), because the players have learned what these settings let them: keep step {best}, or go on from it with {cure}.",
        "图片质量从 {since} 次评估之前起就不再提高（最好的是第 {best} 步：距离 {frechet:.3g}，现在为 {now:.3g}），因为在当前设置下双方已学到尽头："
        "请保留第 {best} 步，或从那里以 {cure} 继续。",
    ),
    "healthy": (
        "Nothing is wrong with this run, as far as {reports} reports and {looks} looks at its pictures tell.",
        "就 {reports} 次报告和 {looks} 次查看图片而言，这次训练没有问题。",
    ),
}

# What the doctor does by itself.
ACTIONS: dict[str, tuple[str, str]] = {
    "back": (
        "Went back from step {seen} ({key}) to step {step}, and on with smaller steps: lr_D {lr_D:g}, lr_G {lr_G:g}.",
        "已从第 {seen} 步（{key}）退回到第 {step} 步，并以更小的步子继续：lr_D {lr_D:g}，lr_G {lr_G:g}。",
    ),
    "stop": (
        "Ended the run at step {step} ({key}), as going on would not make it better.",
        "已在第 {step} 步（{key}）结束训练，因为继续下去不会更好。",
    ),
}
