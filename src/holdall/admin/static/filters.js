// The row of inputs by which a filter is added: comparisons and inputs that fit the field.

const TYPES = { date: "date", moment: "datetime-local", integer: "number", number: "text", decimal: "text" };

export function fitFilter(form) {
  const field = form.elements._field, operator = form.elements._op, value = form.elements._value;
  const all = [...operator.options].map((each) => each.cloneNode(true));
  const list = document.createElement("datalist");
  list.id = "filter-choices";
  form.append(list);
  const fit = () => {
    const option = field.selectedOptions[0];
    if (!option) return;
    const known = option.dataset.operators.split(" "), chosen = operator.value;
    operator.replaceChildren(...all.filter((each) => known.includes(each.value)).map((each) => each.cloneNode(true)));
    if (known.includes(chosen)) operator.value = chosen;
    fitValue();
  };
  const fitValue = () => {
    const option = field.selectedOptions[0], kind = option.dataset.kind;
    const plain = ["in", "isnull"].includes(operator.value);
    value.type = plain ? "text" : TYPES[kind] || "text";
    if (value.type === "datetime-local") value.step = "1";
    form.elements._kind.value = plain ? "" : kind;
    let choices = (option.dataset.choices || "").split("\n").filter(Boolean);
    if (kind === "flag" || operator.value === "isnull") choices = ["true", "false"];
    list.replaceChildren(...choices.map((each) => Object.assign(document.createElement("option"), { value: each })));
    if (choices.length) value.setAttribute("list", list.id);
    else value.removeAttribute("list");
  };
  field.addEventListener("change", fit);
  operator.addEventListener("change", fitValue);
  fit();
}
