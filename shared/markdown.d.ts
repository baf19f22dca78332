/** A page of docs/ as text, for the tests that hold it against the code. */
declare module '*.md?raw' {
  const text: string;
  export default text;
}
