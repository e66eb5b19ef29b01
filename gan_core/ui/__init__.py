"""The page: one file a tab, and what they share. With app.py the only place that imports gradio."""
