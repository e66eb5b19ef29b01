"""The words of a page of its own: what stands around the laboratory where there is no studio."""

TEXT: dict[str, tuple[str, str]] = {
    "site_lead": (
        "Every picture here is painted in your own browser, out of {nz} random numbers.",
        "这里的每张图片都由 {nz} 个随机数在您自己的浏览器中画成。",
    ),
    "site_explore": ("Explore", "探索"),
    "site_training": ("How it learned", "学习过程"),
    "site_parts": ("Parts of this page", "本页的各部分"),
    "site_about": ("About this model", "关于此模型"),
    "site_data": ("Learned from", "学习数据"),
    "site_pictures": ("{name}, {n} pictures", "{name}，{n} 张图片"),
    "site_licence": ("Licence of the data", "数据许可"),
    "site_steps": ("Steps", "步数"),
    "site_minutes": ("Trained for", "训练时长"),
    "site_minutes_are": ("{n} minutes", "{n} 分钟"),
    "site_size": ("Pictures", "图片"),
    "site_size_is": ("{size} × {size} pixels, from {nz} random numbers", "{size} × {size} 像素，由 {nz} 个随机数生成"),
    "site_game": ("Game", "博弈"),
    "site_runtime": (
        "Painted by ONNX Runtime Web (MIT), curves by uPlot (MIT). Nothing leaves this browser.",
        "由 ONNX Runtime Web（MIT）作画，曲线由 uPlot（MIT）绘制。任何数据都不会离开此浏览器。",
    ),
    "site_made_by": ("Made with DCGAN Studio.", "由 DCGAN 工作室制作。"),
    "site_gone": (
        "A part of this page did not come. Check the network, then load the page again.",
        "页面的一部分未能载入。请检查网络后重新加载页面。",
    ),
    "site_wrong": ("Something went wrong here. Load the page again.", "出了点问题。请重新加载页面。"),
    "site_no_wasm": (
        "This browser runs no WebAssembly, so it cannot paint. Above are pictures painted beforehand. Open the page in a newer browser, or allow WebAssembly.",
        "此浏览器无法运行 WebAssembly，因此不能作画。上方是事先画好的图片。请使用较新的浏览器，或允许 WebAssembly。",
    ),
    "site_file": (
        "A browser opens this page from a server only. In this folder run: python -m http.server, then open http://localhost:8000.",
        "浏览器只能通过服务器打开此页面。请在此文件夹中运行 python -m http.server，然后打开 http://localhost:8000。",
    ),
    "site_preview": ("Pictures of the seeds 0 to 15, painted beforehand", "事先画好的种子 0 到 15 的图片"),
    "site_training_lead": (
        "The same 64 latents at every step: drag the time line, press play, or choose a picture to follow it.",
        "每一步都是同样的 64 个潜变量：拖动时间轴，点击播放，或选择一张图片跟踪它。",
    ),
    "site_training_wait": ("The pictures of the training are on their way.", "训练的图片正在载入。"),
    "site_snapshot": ("Snapshot of step {step}", "第 {step} 步的快照"),
    "site_last": ("last", "最后"),
    "site_end": ("To the end", "到最后"),
    "site_take": ("Open this latent in Explore", "在探索中打开此潜变量"),
}
