// The page. The session is in a cookie of the API, which no script can read.

const api = document.querySelector("meta[name=api]").content;
const at = (id) => document.getElementById(id);

// call sends a request with the session cookie and returns the JSON of the answer. A refusal is thrown as a Failure.
async function call(path, init = {}) {
  const response = await fetch(api + path, {
    ...init,
    credentials: "include",
    headers: { Accept: "application/json", ...init.headers },
  });
  if (response.ok) return response.json();
  const problem = await response.json().catch(() => ({}));
  throw new Failure(response, problem);
}

class Failure extends Error {
  constructor(response, problem) {
    super(problem.detail ?? "The API answered " + response.status + ".");
    this.status = response.status;
    this.code = problem.code;
    this.retryAfter = response.headers.get("Retry-After");
  }
}

// signInLink returns the address that signs in and comes back to this page. The browser must go there: fetch cannot sign in.
const signInLink = () => api + "/login?return_to=" + encodeURIComponent(location.href);

let me = null; // the last answer of /me, or null

// start shows the page for the session that the browser has now.
async function start() {
  await attempt(async () => {
    me = await call("/me");
    const [organizations, posts] = await Promise.all([call("/organizations"), call("/posts")]);
    showOrganizations(organizations);
    showPosts(posts);
    restoreDraft();
  });
}

// attempt runs an action and shows why it failed. What the user has typed stays.
async function attempt(action) {
  show({});
  try {
    await action();
  } catch (failure) {
    explain(failure);
  }
}

function explain(failure) {
  switch (failure.status) {
    case 401:
      show({ notice: me ? "Your session has ended. Sign in to continue." : "", signIn: true });
      break;
    case 403:
      show({ notice: failure.message });
      break;
    case 503:
      show({ notice: "Sign-in is out of order. Try again in " + failure.retryAfter + " s.", again: true });
      break;
    case undefined: // fetch itself failed: no network, or CORS refuses this origin
      show({ notice: "The API cannot be reached.", again: true });
      break;
    default:
      show({ notice: failure.message });
  }
}

function show({ notice = "", signIn = false, again = false }) {
  at("heading").textContent = me ? "Posts" : signIn ? "Please sign in" : "Loading …";
  at("user").textContent = me ? (me.user.name ?? me.user.email) : "";
  at("content").hidden = at("sign-out").hidden = !me;
  at("place").textContent = location.pathname + location.search + location.hash;
  at("notice").textContent = notice;
  at("notice").hidden = !notice;
  at("sign-in").href = signInLink();
  at("sign-in").hidden = !signIn;
  at("again").hidden = !again;
}

function showOrganizations(organizations) {
  const current = me.organization_id;
  at("organization").replaceChildren(...organizations.map(({ id, name }) => new Option(name, id, id === current, id === current)));
  at("organization").hidden = organizations.length < 2;
  show({});
}

function showPosts(posts) {
  at("posts").replaceChildren(...posts.map(({ title }) => Object.assign(document.createElement("li"), { textContent: title })));
}

// A sign-in leaves the page, so the text of the editor is stored for this tab, together with its user.
const draft = () => at("editor").elements.title;

function saveDraft() {
  if (me) sessionStorage.setItem("draft", JSON.stringify({ user: me.user.id, title: draft().value }));
}

function restoreDraft() {
  const saved = JSON.parse(sessionStorage.getItem("draft"));
  if (saved?.user === me.user.id && !draft().value) draft().value = saved.title;
}

draft().addEventListener("input", saveDraft);

at("editor").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(async () => {
    await call("/posts", {
      method: "POST",
      headers: { "Content-Type": "application/json" }, // causes a preflight
      body: JSON.stringify({ title: draft().value }),
    });
    draft().value = "";
    saveDraft();
    showPosts(await call("/posts"));
  });
});

at("organization").addEventListener("change", () => {
  const organization = at("organization").value;
  attempt(async () => {
    try {
      await call("/organization", { method: "POST", body: new URLSearchParams({ organization_id: organization }) });
    } catch (failure) {
      if (failure.code !== "organization_sign_in_required") throw failure;
      return submit("/organization", { organization_id: organization, return_to: location.href });
    } finally {
      at("organization").value = me.organization_id; // until /me says otherwise
    }
    await start();
  });
});

// submit posts a form, which leaves the page. A form can follow the redirect to the sign-in of an organization.
function submit(path, fields) {
  const form = Object.assign(document.createElement("form"), { method: "post", action: api + path, hidden: true });
  for (const [name, value] of Object.entries(fields)) {
    form.append(Object.assign(document.createElement("input"), { name, value }));
  }
  document.body.append(form);
  form.submit();
}

at("sign-out").addEventListener("click", () => {
  attempt(async () => {
    const { logout_url } = await call("/logout", { method: "POST" });
    sessionStorage.removeItem("draft");
    me = null;
    location.href = logout_url; // WorkOS ends its session too, and redirects to this page
  });
});

at("again").addEventListener("click", start);

// The browser may show the page again that it kept for the back button. The user may have signed out since.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

start();
