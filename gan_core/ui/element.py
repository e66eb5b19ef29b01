"""Our own elements on the page (static/*.js), and the two ways between them and Gradio's controls."""

import gradio as gr


def element(tag: str) -> gr.HTML:
    """An element of ours. What its script puts into `props.value` arrives as the component's change."""
    connect = f"customElements.whenDefined('{tag}').then(() => element.querySelector('{tag}').connect?.(props))"
    return gr.HTML(
        None, html_template=f"<{tag}></{tag}>", js_on_load=connect, apply_default_css=False, elem_classes="ours"
    )


def call(tag: str, method: str) -> str:
    """JavaScript for an event: hands the inputs to that method of our element, as soon as it is there."""
    return f"(...values) => {{ studioCall('{tag}', '{method}', values); return []; }}"


def settings(*names: str) -> str:
    """JavaScript for a change of our element: its value's entries, one for each output; what it does not name stays."""
    parts = ", ".join(f"'{name}' in (value ?? {{}}) ? value.{name} : {KEEP}" for name in names)
    return f"(value) => [{parts}]"


KEEP = "{__type__: 'update'}"
