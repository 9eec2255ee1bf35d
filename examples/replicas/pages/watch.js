// Refreshes the changing part of the page once a second, and sends requests in parallel.
const live = document.getElementById("live");
const outcome = document.getElementById("outcome");
const burst = document.getElementById("burst");

async function watch() {
  // A button that is replaced while it has the focus would lose it.
  if (!live.contains(document.activeElement)) {
    try {
      const response = await fetch("/instances/live");
      if (response.ok) live.innerHTML = await response.text();
    } catch {
      outcome.textContent = "The front does not answer.";
    }
  }
  setTimeout(watch, 1000);
}

async function send() {
  const counts = {};
  await Promise.all(Array.from({ length: 30 }, async () => {
    let answer = "no answer";
    try {
      const response = await fetch("/api/me");
      answer = `${response.status} from ${response.headers.get("X-Instance") ?? "the front"}`;
    } catch { /* no answer */ }
    counts[answer] = (counts[answer] ?? 0) + 1;
  }));
  outcome.textContent = Object.keys(counts).sort().map((answer) => `${counts[answer]} × ${answer}`).join(", ");
}

burst.hidden = false;
burst.addEventListener("click", send);
watch();
