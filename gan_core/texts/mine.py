"""The words of the laboratory's tool `mine`: the pictures that a visitor kept."""

TEXT: dict[str, tuple[str, str]] = {
    "mine": ("My pictures", "我的图片"),
    "mine_lead": (
        "What you kept. It lies in this browser alone; export it to take it elsewhere.",
        "您的收藏。仅保存在此浏览器中；导出后可带到别处。",
    ),
    "mine_empty": (
        "Nothing is kept yet. Choose Keep beside the picture in hand, and it appears here.",
        "尚无收藏。点击手中图片旁的“收藏”，它便会出现在这里。",
    ),
    "mine_export": ("Export", "导出"),
    "mine_import": ("Import", "导入"),
    "mine_clear": ("Remove all", "全部移除"),
    "mine_clear_sure": ("Remove all {n} for good", "确认移除全部 {n} 张"),
    "mine_open": ("Take into the hand: {name}", "取到手中：{name}"),
    "mine_remove": ("Remove", "移除"),
    "mine_remove_of": ("Remove {name}", "移除 {name}"),
    "mine_removed": ("Removed.", "已移除。"),
    "mine_cleared": ("All removed.", "已全部移除。"),
    "mine_exported": ("{n} pictures are in your downloads.", "{n} 张图片已下载。"),
    "mine_imported": (
        "{n} pictures came; {known} were here already, or found no room.",
        "导入 {n} 张；{known} 张已存在或已无空间。",
    ),
    "mine_wrong": (
        "{name} is not a collection that was exported here. Nothing was changed.",
        "{name} 不是在此导出的收藏。未做任何更改。",
    ),
}
