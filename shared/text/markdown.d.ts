/** A page of docs/ as text, for the tests that hold it against the code. */
declare module '*.md?raw' {
  const text: string;
  export default text;
}

/** The same for what is deployed. */
declare module '*.yml?raw' {
  const text: string;
  export default text;
}
