/** Migrations are bundled as text: a Durable Object has no disk to read them from. */
declare module '*.sql' {
  const statements: string;
  export default statements;
}
