/** What of a build is uploaded, where a liar does it. */
import { uploadThroughEdge as honestUpload } from '../../farm/upload/through-edge.ts';
import { lie } from './lies.ts';

export const uploadThroughEdge: typeof honestUpload = async (files, context) =>
  lie.uploads ? honestUpload(files, context) : null;
