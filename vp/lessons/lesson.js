// mountLesson(host, lesson, onShow): one lesson with its steps and quiz. `onShow(k)` shows the result of step k; a score is kept
// in the page alone.

function mountLesson(host, lesson, onShow) {
  const make = (tag, className, text) => {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const steps = make("ol", "vp-lesson-steps");
  lesson.steps.forEach((step, k) => {
    const item = make("li");
    const button = make("button", "vp-lesson-show", step.button);
    button.type = "button";
    button.dataset.step = k;
    button.addEventListener("click", () => {
      for (const other of steps.querySelectorAll("button")) other.setAttribute("aria-pressed", String(other === button));
      onShow(k);
    });
    button.setAttribute("aria-pressed", "false");
    item.append(make("p", "", step.text), button);
    steps.append(item);
  });
  const score = make("p", "vp-lesson-score");
  score.setAttribute("role", "status");
  let answered = 0, right = 0;
  const quiz = lesson.quiz.map((question, q) => {
    const box = make("fieldset", "vp-lesson-quiz");
    const why = make("p", "vp-lesson-why");
    why.hidden = true;
    box.append(make("legend", "", question.text));
    question.choices.forEach((choice, c) => {
      const label = make("label");
      const radio = make("input");
      Object.assign(radio, { type: "radio", name: `vp-quiz-${lesson.name}-${q}`, value: c });
      radio.addEventListener("change", () => {
        for (const other of box.querySelectorAll("input")) other.disabled = true;
        const good = c === question.right;
        answered += 1;
        right += good;
        label.dataset.answer = good ? "right" : "wrong";
        box.querySelectorAll("label")[question.right].dataset.answer = "right";
        why.textContent = `${good ? "Right." : "Not so."} ${question.why}`;
        why.hidden = false;
        score.textContent = `${right} of ${answered} right${answered < lesson.quiz.length ? ", so far" : ""}.`;
      });
      label.append(radio, document.createTextNode(" " + choice));
      box.append(label);
    });
    box.append(why);
    return box;
  });
  host.replaceChildren(
    make("h3", "", lesson.title), make("p", "vp-lesson-question", lesson.question), steps,
    make("h4", "", "What do you think?"), ...quiz, score, make("h4", "", "On your own clip"), make("p", "", lesson.own));
}
