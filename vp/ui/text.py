"""The words of the page: headings, help beside the controls, and the glossary."""

HEADER = """
<header class="vp-banner">
  <h1>Video prediction playground</h1>
  <p>Show a model the first frames of a clip. It dreams up several futures; scrub them beside what really happened.</p>
</header>
"""

WORDS = {
    "context": "The frames the model is given (green). Everything after them is generated (red).",
    "prior": "What the model draws its latent numbers from at each frame. Fixed: always a standard normal. "
    "Learned: predicted from the past, so that the model can say when it is unsure.",
    "posterior": "Latents read from the true frame. It sees the future: an upper reference, not a prediction.",
    "most likely": "The future without chance, as at temperature 0: what to compare with optical flow.",
    "baselines": "What needs no model: the last frame copied, and every pixel moving on (optical flow). A model is worth "
    "its name where it beats both.",
    "best of N": "The sample nearest to the truth. Choosing it needs the truth, so it is an oracle: "
    "it shows whether the truth is among the futures at all.",
    "PSNR": "Pixel error on a logarithmic scale, in decibels (dB); higher is nearer to the truth. It likes blur.",
    "SSIM": "Similarity of local structure, at most 1; higher is better. Gaussian window of 11 pixels, sigma 1.5.",
    "prior std": "How wide the prior is: near 0 the model is sure what comes, larger where it leaves room for chance.",
    "grey level": "One of the 256 steps from black to white in which pixels are stored.",
    "KL": "How far the posterior is from the prior, in nats: the surprise in a frame.",
    "latent": "The numbers z that a model draws at every frame. What is left to chance in a future is in them, and in its pace "
    "where it has one.",
    "pace": "How fast things go on in a future of svg-lp-real, drawn once for all its frames: 1 is as fast as in the most "
    "likely one, 0 stands still. The paces of several futures are spread evenly over what the model expects.",
    "temperature": "Scale of the dice. 0 always takes the prior's mean; 1 is what the model was trained for.",
    "seed": "Start of the dice. The same seed, model and clip give the same futures.",
}
GLOSSARY = f'<dl class="vp-glossary">{"".join(f"<dt>{word}</dt><dd>{text}</dd>" for word, text in WORDS.items())}</dl>'
