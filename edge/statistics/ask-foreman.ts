/** A question about statistics, to the Foreman once a minute however many ask: what an isolate was told is kept that long. */
import { type EdgeContext, foremanOf } from '../edge-context.ts';
import type { Visit } from '../limits/visit.ts';
import type { StatisticsAnswers, StatisticsQuestion } from './questions.ts';

/** @throws BuildError `too_many_requests` */
export async function askForeman<About extends keyof StatisticsAnswers>(
  context: EdgeContext,
  visit: Visit,
  question: StatisticsQuestion<About>,
): Promise<StatisticsAnswers[About]> {
  const answer = await context.statistics.get(JSON.stringify(question), async () => {
    await visit.charge('misses');
    // With one isolate, as at home, what is shown is what was counted.
    await context.counts.flush();
    return foremanOf(context.env).statistics(question);
  });
  return answer as StatisticsAnswers[About];
}
