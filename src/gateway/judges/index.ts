import type { Store } from '../../store/index.ts';
import { assessmentRun } from './assessment-run.ts';
import { detectionSchedule } from './detection-schedule.ts';
import { explainable } from './explainable.ts';
import { grantable } from './grantable.ts';
import { graphql } from './graphql.ts';
import { type JobParts, job } from './job.ts';
import { type McpVersionParts, mcpVersion } from './mcp-version.ts';
import { modelCalls } from './model-calls.ts';
import { modelVersionsTag } from './model-versions-tag.ts';
import { onlineConfigs } from './online-configs.ts';
import { otlp } from './otlp.ts';
import { type ProviderCallsParts, providerCalls } from './provider-calls.ts';
import { type ReviewQueueParts, reviewQueue } from './review-queue.ts';
import { holderViewer, roleAdmin, roleViewer } from './role-scope.ts';
import { scorerKeys } from './scorer-keys.ts';
import { serverKeys } from './server-keys.ts';
import { type SkillVersionsParts, skillVersions } from './skill-versions.ts';
import type { Specials } from './special.ts';
import { usageExperiment } from './usage-experiment.ts';

export interface SpecialParts
  extends JobParts,
    McpVersionParts,
    ProviderCallsParts,
    ReviewQueueParts,
    SkillVersionsParts {
  readonly store: Store;
}

export function createSpecials(parts: SpecialParts): Specials {
  return {
    graphql: graphql(parts.judge),
    otlp: otlp(parts.judge),
    'review-queue': reviewQueue(parts),
    job: job(parts),
    'mcp-version': mcpVersion(parts),
    'skill-versions': skillVersions(parts),
    'assessment-run': assessmentRun(parts.judge),
    'server-keys': serverKeys(parts.judge),
    'online-configs': onlineConfigs(parts),
    'detection-schedule': detectionSchedule(parts),
    'scorer-keys': scorerKeys(parts.judge, parts.upstream),
    'provider-calls': providerCalls(parts),
    'model-calls': modelCalls(parts.judge),
    'model-versions-tag': modelVersionsTag(parts.judge, parts.upstream),
    'usage-experiment': usageExperiment(parts.judge, parts.upstream),
    grantable: grantable(parts.judge),
    explainable: explainable(parts.judge),
    'role-admin': roleAdmin(parts.store),
    'role-viewer': roleViewer(parts.store),
    'holder-viewer': holderViewer(parts.store, parts.judge),
  };
}
