// The browser uses one origin. Next.js forwards each request for /api to Go, and returns the cookies that Go sets.
export default {
  rewrites: async () => [{ source: '/api/:path*', destination: 'http://localhost:8080/api/:path*' }],
};
