/** The version of this software, edge and node alike: one repository, one number. Equal to package.json's, by test. */
export const SERVER_VERSION = '0.1.0';
