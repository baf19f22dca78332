/** An image whose nodes are not to be believed any more: what is left that vouches for it. */
import { describe, expect, it } from 'vitest';
import { attesterOf, headOf, publication } from './provenance.fixture.ts';
import { edgeKey, nodeKey, otherNodeKey } from './statement.fixture.ts';
import { after, failures, next, recordOf, volunteers, whole } from './verify-image.fixture.ts';

describe('an image of a node that lied and was released since', () => {
  const id = attesterOf(nodeKey).id;
  const headWith = async (sequence: number, place = after.place) => ({
    head: await headOf(place, [], edgeKey, [{ node: id, sequence }]),
    behind: [recordOf(next), recordOf(after)],
  });

  it('is found where it was made before', async () => {
    expect(await failures({ log: await headWith(1) })).toEqual({
      nodes: expect.stringMatching(/disowned since; a trusted node would be needed/),
    });
  });

  it('passes where it was made after that', async () => {
    const { provenance } = next;
    const log = { head: (await headWith(1)).head, behind: [recordOf(after)] };
    expect(await failures({ provenance, log })).toEqual({});
  });

  it('is found where no record says when it was made', async () => {
    const { head } = await headWith(1);
    const provenance = { ...next.provenance, log: null };
    expect(await failures({ provenance, log: { head, behind: [] } })).toMatchObject({
      nodes: expect.stringContaining('disowned since'),
    });
  });
});

describe("a revoked node's image is found", () => {
  const id = attesterOf(nodeKey).id;

  it('where it alone vouched for it', async () => {
    expect(await failures({ log: await whole([id]) })).toEqual({
      nodes: `it was published on the word of trusted node ${id.slice(0, 12)}, disowned since; a trusted node would be needed`,
    });
  });

  it('where too few are left that agree', async () => {
    const { provenance, place } = await publication({ nodes: volunteers('a', 'b') });
    const log = { head: await headOf(place, [id]), behind: [] };
    expect(await failures({ provenance, log })).toEqual({
      nodes: expect.stringContaining('2 operators that agree would be needed'),
    });
  });

  it('and not where enough are left', async () => {
    const nodes = [
      { key: nodeKey, attester: attesterOf(nodeKey, 'a', 'volunteer') },
      { key: otherNodeKey, attester: attesterOf(otherNodeKey, 'b', 'trusted') },
    ];
    const { provenance, place } = await publication({ nodes });
    expect(await failures({ provenance, log: { head: await headOf(place, [id]), behind: [] } })).toEqual({});
  });

  it('and two nodes of one operator are one voice', async () => {
    const nodes = volunteers('a', 'a');
    const { provenance } = await publication({ nodes, rule: { rule: 'operators', operators: 2 } });
    expect(await failures({ provenance })).toEqual({
      nodes: expect.stringContaining('expected the word of 2 operators'),
    });
  });
});
