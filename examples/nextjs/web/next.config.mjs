// The browser knows one origin: what begins with /api goes on to Go, and the
// cookies that Go sets come back the same way.
export default {
  rewrites: async () => [{ source: '/api/:path*', destination: 'http://localhost:8080/api/:path*' }],
};
