"""The Gradio app: thin over the packages that predict, train and evaluate."""
