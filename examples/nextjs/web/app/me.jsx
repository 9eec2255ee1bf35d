// The session as Go sees it, fetched by the browser through Next.js.

'use client';

import { useEffect, useState } from 'react';

export function Me() {
  const [me, setMe] = useState();
  useEffect(() => {
    fetch('/api/me').then(response => response.json()).then(setMe);
  }, []);
  return me ? <p>Go sees the session of {me.email}.</p> : null;
}
