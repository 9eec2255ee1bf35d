// The home page: the session as Next.js sees it, and the sign-out form.

import { signOut, withAuth } from '@workos-inc/authkit-nextjs';
import { Me } from './me';

export default async function Home() {
  const { user } = await withAuth();
  if (!user) return <a href="/login">Sign in</a>;
  return (
    <>
      <p>Next.js sees the session of {user.email}.</p>
      <Me />
      <form action={async () => { 'use server'; await signOut(); }}>
        <button>Sign out</button>
      </form>
    </>
  );
}
