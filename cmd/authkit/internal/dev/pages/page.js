// Keeps the log of events and requests up to date. What is open stays open.
const log = document.getElementById('log');
setInterval(async () => {
  if (document.hidden || log.querySelector('details[open]')) return;
  const response = await fetch('/log').catch(() => null); // the fake has ended
  if (response?.ok) log.innerHTML = await response.text();
}, 2000);
