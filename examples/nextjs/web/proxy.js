// The session of the pages: authkitProxy refreshes it before a page reads it.

import { authkitProxy } from '@workos-inc/authkit-nextjs';

export default authkitProxy();

// Only the pages. Not /api: there Go refreshes the session.
export const config = { matcher: ['/', '/login'] };
