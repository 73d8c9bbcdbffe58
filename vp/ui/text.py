"""The words of the page: headings, help beside the controls, the lesson and the glossary."""

HEADER = """
<header class="vp-banner">
  <h1>Video prediction playground</h1>
  <p>Show a model the first frames of a clip. It dreams up several futures; scrub them beside what really happened.</p>
</header>
"""

LESSON = """
**1. Where is the future open?** Scrub to the first wall hit (the small diamonds). Before it all samples agree; after it
each goes its own way, and the uncertainty map lights up. A good model is unsure exactly there.

**2. What does an average look like?** Compare *Mean* with any sample. The mean is never a picture the model believes
in: blur is what many sharp futures have in common. A deterministic model, trained to be right on average, gives you
only that.

**3. How much is in the latent?** Look at *Posterior*. It gets the same past, but its latents are read from the true
future. If it follows the truth, the latents carry the bounces, and the prior's only task is to guess them.

**4. Does more dice help?** Set futures to 16 and watch the best line rise while the mean stays. Then set the
temperature to 0: every sample becomes the same.
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
    "PSNR": "Pixel error on a logarithmic scale, in decibels; higher is better. It likes blur.",
    "SSIM": "Similarity of local structure, at most 1; higher is better. Gaussian window of 11 pixels, sigma 1.5.",
    "KL": "How far the posterior is from the prior, in nats: the surprise in a frame.",
    "temperature": "Scale of the dice. 0 always takes the prior's mean; 1 is what the model was trained for.",
    "seed": "Start of the dice. The same seed, model and clip give the same futures.",
}
GLOSSARY = f'<dl class="vp-glossary">{"".join(f"<dt>{word}</dt><dd>{text}</dd>" for word, text in WORDS.items())}</dl>'
