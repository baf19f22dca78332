/** Archives that no tar would write: names, links and sizes are taken as they are given. */

export type HostileMember = {
  readonly name: string;
  readonly type?: string;
  readonly link?: string;
  readonly content?: string;
  readonly mode?: number;
  readonly size?: number;
};

/** An archive as somebody with ill will would write it: nothing is checked. */
export function tarOf(members: readonly HostileMember[]): Buffer {
  const blocks = members.map(({ name, type = '0', link = '', content = '', mode = 0o644, size = content.length }) => {
    const header = Buffer.alloc(512);
    header.write(name, 0, 100);
    header.write(`${mode.toString(8).padStart(7, '0')}\0`, 100);
    header.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
    header.write(`${(1_700_000_000).toString(8).padStart(11, '0')}\0`, 136);
    header.write(' '.repeat(8), 148);
    header.write(type, 156);
    header.write(link, 157, 100);
    header.write('ustar\x0000', 257, 'latin1');
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    const body = Buffer.alloc(Math.ceil(content.length / 512) * 512);
    body.write(content);
    return Buffer.concat([header, body]);
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}
