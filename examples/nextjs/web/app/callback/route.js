// The callback: it ends a sign-in and sets the session cookie.

import { handleAuth } from '@workos-inc/authkit-nextjs';

export const GET = handleAuth();
