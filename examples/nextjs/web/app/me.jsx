'use client';

import { useEffect, useState } from 'react';

export function Me() {
  const [me, setMe] = useState();
  useEffect(() => {
    fetch('/api/me').then(response => response.json()).then(setMe);
  }, []);
  return me ? <p>Go knows {me.email}.</p> : null;
}
