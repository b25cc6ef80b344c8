// A browser: `node provided.mjs URL ACCOUNT` follows where it is led, keeps cookies, signs in, and says what stands there at last.
const [start, account] = process.argv.slice(2);
const jars = new Map();

let [url, form] = [new URL(start), undefined];
for (let step = 0; ; step += 1) {
  if (step > 30) throw new Error('it is led in circles');
  const jar = jars.get(url.host) ?? new Map();
  jars.set(url.host, jar);
  const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
  const type = form && { 'content-type': 'application/x-www-form-urlencoded' };
  const answer = await fetch(url, {
    method: form ? 'POST' : 'GET', headers: { accept: 'text/html', cookie, ...type }, body: form, redirect: 'manual',
  });
  for (const [name, value] of answer.headers.getSetCookie().map((text) => text.split(';')[0].split(/=(.*)/s))) {
    if (value === '') jar.delete(name);
    else jar.set(name, value);
  }
  form = undefined;
  const text = await answer.text();
  const next = answer.headers.get('location') ?? text.match(/action="([^"]*)"/)?.[1];
  if (!next) {
    console.log(text);
    break;
  }
  if (!answer.headers.has('location')) {
    const inputs = [...text.matchAll(/<input[^>]*type="hidden"[^>]*>/g)].map(([input]) => [
      input.match(/name="([^"]*)"/)?.[1] ?? '', input.match(/value="([^"]*)"/)?.[1] ?? '',
    ]);
    const fields = Object.fromEntries(inputs);
    if (fields.prompt === 'login') Object.assign(fields, { login: account, password: 'x' });
    form = new URLSearchParams(fields).toString();
  }
  url = new URL(next, url);
}
