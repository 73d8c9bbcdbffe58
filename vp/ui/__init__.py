"""The Gradio app: thin over `vp.engine`."""
