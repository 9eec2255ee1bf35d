import { authkitMiddleware } from '@workos-inc/authkit-nextjs';

export default authkitMiddleware();

// Only the pages. Not /api: there Go refreshes the session.
export const config = { matcher: ['/', '/login'] };
