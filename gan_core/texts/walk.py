"""The words of the laboratory's tool `walk`."""

TEXT: dict[str, tuple[str, str]] = {
    "walk": ("Walk", "漫步"),
    "walk_lead": (
        "A map of what lies between pictures. Drag across it, or use the arrow keys.",
        "图片之间的地图。在上面拖动，或使用方向键。",
    ),
    "walk_pad": ("Map: drag, or walk with the arrow keys", "地图：拖动，或用方向键行走"),
    "walk_spanned": ("The map is spanned by", "地图由何张成"),
    "walk_three": ("Three pictures", "三张图片"),
    "walk_two": ("Two directions", "两个方向"),
    "walk_three_about": (
        "The plane through the pictures A, B and C; every point is as long as they are.",
        "经过图片 A、B、C 的平面；每一点都与它们同长。",
    ),
    "walk_two_about": (
        "The plane through the start, along two directions, to three standard deviations each way.",
        "经过起点、沿两个方向的平面，每侧各三个标准差。",
    ),
    "walk_across": ("Across", "横向"),
    "walk_up": ("Up", "纵向"),
    "walk_corner": ("Corner {letter}: choose another picture", "角点 {letter}：另选图片"),
    "walk_axis_across": ("Across", "横向"),
    "walk_axis_up": ("Up", "纵向"),
    "walk_chance": ("Direction by chance {n}", "随机方向 {n}"),
    "walk_from_here": ("Start from here", "从这里开始"),
    "walk_circle": ("The great circle", "大圆"),
    "walk_circle_about": (
        "Through A and B and all the way round. Opposite A lies minus A: as far as one can go.",
        "经过 A 与 B 环绕一周。A 的对面是负 A：最远之处。",
    ),
    "walk_end": ("Picture {letter} of the circle: choose another", "圆上的图片 {letter}：另选"),
    "walk_angle": ("Angle", "角度"),
    "walk_degrees": ("{n} degrees", "{n} 度"),
}
