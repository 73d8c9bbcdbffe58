"""The lessons, in teaching order."""

from __future__ import annotations

from .lesson import Lesson, Question, Step

DIGITS, BOUNCE = "example:digits-1", "example:digits-3"
LP, FP, DET = "svg-lp-smmnist", "svg-fp-smmnist", "svg-det-smmnist"
DIFFUSION, LIFE = "ramvid-real", "example:worker"

LESSONS = (
    Lesson(
        "blur",
        "Why squared error blurs",
        "Two networks have the same layers and the same training time. One makes fog, the other sharp digits. Why?",
        (
            Step(
                "This network has no dice. It was trained to make the squared error as small as it can. Scrub through its one "
                "future: from which frame on does it lose the digits?",
                "Show the network without dice",
                DET,
                DIGITS,
                1,
                control="model",
            ),
            Step(
                "This one draws random numbers for every frame. Each future stays a picture of two digits, and "
                "no two are alike "
                "after a bounce. Now look at Mean, the average of the eight: that is the fog again.",
                "Show the network with dice",
                LP,
                DIGITS,
                8,
                control="model",
            ),
        ),
        (
            Question(
                "Which has the lower squared error to the truth at the last frame, on average?",
                ("One sharp future with dice", "The fog without dice", "They are level"),
                1,
                "The fog. Where the future is open, the average of all futures is nearer to each of them than they are to one "
                "another: squared error rewards fog. That is why it cannot be the only score.",
            ),
            Question(
                "Is the fog a picture that could happen?",
                ("Yes, it is the most likely one", "No, no clip looks like it"),
                1,
                "No. It is an average over many things that could happen; none of them looks like it.",
            ),
        ),
        "Upload a clip in which something can go either way. Set the futures to 8 and compare Mean with Most likely.",
    ),
    Lesson(
        "surprise",
        "What the prior knows",
        "Digits fly straight and bounce off walls in a random direction. Does the model know when it cannot know?",
        (
            Step(
                "The small diamonds on the time bar are wall hits. Below the frames is the curve How unsure the"
                " prior is. Scrub to a hit and read "
                "the curve just before and just after.",
                "Show eight futures and their prior",
                LP,
                BOUNCE,
                8,
                control="prior",
            ),
            Step(
                "The fixed prior draws from the same bell curve at every frame: it cannot say that a frame is "
                "certain. Its curve is flat at 1.",
                "Show the fixed prior",
                FP,
                BOUNCE,
                8,
                control="prior",
            ),
        ),
        (
            Question(
                "When should the learned prior be unsure?",
                ("All the time", "While a digit flies straight", "When a digit hits a wall"),
                2,
                "At a wall the new direction is drawn at random. In free flight the next frame follows from the last two.",
            ),
        ),
        "On your own clip look at the same curve: does it rise when somebody decides what to do next?",
    ),
    Lesson(
        "priors",
        "Fixed against learned prior",
        "Both models have the same decoder. What goes wrong if the dice never change?",
        (
            Step(
                "A fixed prior rolls the same dice in free flight and at walls. Watch the first frames after "
                "the context: the digits are torn "
                "although nothing was uncertain yet.",
                "Show the fixed prior",
                FP,
                DIGITS,
                8,
                control="prior",
            ),
            Step(
                "The learned prior rolls small dice in free flight and larger ones at walls: the futures part only there.",
                "Show the learned prior",
                LP,
                DIGITS,
                8,
                control="prior",
            ),
        ),
        (
            Question(
                "Both posteriors, which see the true future, are about equally good. So what is the fixed prior's fault?",
                (
                    "Its decoder cannot draw digits",
                    "Its dice do not match what the decoder was trained on",
                    "It was trained for less time",
                ),
                1,
                "The decoder learned from posterior numbers, which are unusual only at surprises. The fixed "
                "prior deals them out at "
                "random, also where nothing surprising happens.",
            ),
        ),
        "Take any model with both priors, keep the learned one's result as B, switch to the fixed one, and press Compare.",
    ),
    Lesson(
        "posterior",
        "The posterior sees the answer",
        "One row follows the truth through every bounce. Is it the best prediction?",
        (
            Step(
                "Look at the row Posterior. It gets the same five frames, but its random numbers were read off the true future.",
                "Show the posterior beside the samples",
                LP,
                BOUNCE,
                4,
                control="prior",
            ),
            Step(
                "Now every future is drawn from the posterior. They are nearly the same, and nearly right. "
                "Nothing was predicted.",
                "Show posterior futures",
                LP,
                BOUNCE,
                4,
                {"prior": "posterior"},
                control="prior",
            ),
        ),
        (
            Question(
                "A paper reports only posterior scores. What do they tell you?",
                (
                    "How well the model predicts",
                    "How well the model could reconstruct a future that it is told",
                    "Nothing at all",
                ),
                1,
                "They say whether the numbers z can carry what happens, and whether the decoder can draw it. "
                "Whether the prior can guess them is "
                "another question.",
            ),
        ),
        "On your own clip compare Posterior with Best of 8: the distance between them is what the dice did not hit.",
    ),
    Lesson(
        "best-of-n",
        "Best of N flatters",
        "Many papers score the best of 100 futures. What does that number say?",
        (
            Step(
                "Look at the small chart Best of N against N: the flat line is one future on average, the "
                "rising one the best of N, chosen with "
                "the truth in hand.",
                "Show sixteen futures",
                LP,
                DIGITS,
                16,
                control="futures",
            ),
            Step(
                "Optical flow has no dice and one future. Its score does not grow with N. Switch on Baselines above the player.",
                "Show four futures",
                LP,
                DIGITS,
                4,
                control="futures",
            ),
        ),
        (
            Question(
                "Model X reports the best of 100, model Y the best of 10, and X is 0.5 dB ahead. Which is better?",
                ("X", "Y", "These numbers cannot tell"),
                2,
                "The best of 100 is higher than the best of 10 for the very same model. Compare at one N, and "
                "look at the mean beside it.",
            ),
            Question(
                "The truth is brighter or darker than all 16 futures at half of the pixels that change. What is wrong?",
                ("The futures differ too little", "The futures differ too much", "Nothing"),
                0,
                "With 16 futures that are as varied as the truth it should lie outside at 2 pixels of 17. More "
                "than that: they are too "
                "sure of themselves.",
            ),
        ),
        "Generate 16 futures of your own clip and read the chart Rank of the truth: is your model too sure of itself?",
    ),
    Lesson(
        "temperature",
        "How large should the dice be?",
        "Temperature scales the dice. At 0 there is no chance; what happens in between?",
        (
            Step(
                "At temperature 0 every future is the same: the most likely one, as the model sees it.",
                "Show temperature 0",
                LP,
                BOUNCE,
                4,
                {"temperature": 0.0},
                control="temperature",
            ),
            Step(
                "At 1 the dice are as large as in training.",
                "Show temperature 1",
                LP,
                BOUNCE,
                4,
                {"temperature": 1.0},
                control="temperature",
            ),
            Step(
                "At 2 they are twice as large: the decoder gets numbers that it has never seen.",
                "Show temperature 2",
                LP,
                BOUNCE,
                4,
                {"temperature": 2.0},
                control="temperature",
            ),
        ),
        (
            Question(
                "At temperature 0, is the future an average of all futures, as the fog was?",
                ("Yes", "No: it is one future, drawn with the middle of the dice"),
                1,
                "The numbers are averaged, not the pictures. The decoder still draws one picture from them.",
            ),
        ),
        "On a clip of your own raise the temperature until things tear. Is that above or below 1?",
    ),
    Lesson(
        "noise",
        "From noise to video",
        "A diffusion model starts from noise and removes it in steps. What does one step give, and what do eight?",
        (
            Step(
                "This model diffuses motion: from where the pixels of each frame come. It took one step from pure noise. "
                "Four futures started from four noises. Can you tell them apart?",
                "Show one step",
                DIFFUSION,
                LIFE,
                4,
                {"steps": 1},
                control="options",
            ),
            Step(
                "The same four noises in eight steps. After each the model sees what is left of the noise and guesses again. "
                "Look at Uncertainty: where have the futures parted?",
                "Show eight steps",
                DIFFUSION,
                LIFE,
                4,
                {"steps": 8},
                control="options",
            ),
        ),
        (
            Question(
                "Why are the four futures alike after one step?",
                (
                    "The four noises are the same",
                    "Pure noise says nothing of the future, so the best guess is the same for all",
                    "The network has not been trained for one step",
                ),
                1,
                "Pure noise tells nothing, and so the best guess is what is likely in the mean. From the second step on "
                "some of that guess is mixed in: each noise then looks a little like a motion of its own, and is taken for one.",
            ),
            Question(
                "Do more steps bring a future nearer to the truth?",
                ("Yes, always", "No: nearer to something that could happen"),
                1,
                "The guess after one step is an average and has the smaller error. More steps give futures that differ as "
                "real ones may.",
            ),
        ),
        "Predict your own clip with this model, press Look inside, and walk down the steps. After which one does little change?",
    ),
)


def find_lesson(name: str) -> Lesson:
    """The lesson of a name.

    Raises:
        ValueError: there is none.
    """
    for lesson in LESSONS:
        if lesson.name == name:
            return lesson
    raise ValueError(f"there is no lesson {name[:40]!r}; there are {', '.join(lesson.name for lesson in LESSONS)}")
