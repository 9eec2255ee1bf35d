import { authkitMiddleware } from '@workos-inc/authkit-nextjs';

export default authkitMiddleware();

// Pages, and not /api: Go refreshes the session by itself.
export const config = { matcher: ['/', '/login'] };
