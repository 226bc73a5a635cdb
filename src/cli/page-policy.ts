/**
 * What the page may load, as the value of a Content-Security-Policy: its own files and nothing else. The build writes it
 * into the page and the server sends it, so that it holds wherever the page is served from.
 */
export const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ')
