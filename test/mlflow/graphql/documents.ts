/**
 * Every GraphQL document in the interface that MLflow 3.17.2 ships, word for word, so that it goes on
 * working; a test looks for others. The interface of 2.15.1 sends none.
 */
export const GET_METRIC_HISTORY = `
  query GetMetricHistoryBulkInterval($data: MlflowGetMetricHistoryBulkIntervalInput!)
  @component(name: "MLflow.ExperimentRunTracking") {
    mlflowGetMetricHistoryBulkInterval(input: $data) {
      __typename
      metrics {
        timestamp
        step
        runId
        key
        value
      }
      apiError {
        code
        message
      }
    }
  }
`;

/** What both queries for runs ask, word for word too. */
const INFO_AND_EXPERIMENT = `info {
          runName
          status
          runUuid
          experimentId
          artifactUri
          endTime
          lifecycleStage
          startTime
          userId
        }
        experiment {
          experimentId
          name
          tags {
            key
            value
          }
          artifactLocation
          lifecycleStage
          lastUpdateTime
        }`;
const DATA_INPUTS_AND_OUTPUTS = `data {
          metrics {
            key
            value
            step
            timestamp
          }
          params {
            key
            value
          }
          tags {
            key
            value
          }
        }
        inputs {
          datasetInputs {
            dataset {
              digest
              name
              profile
              schema
              source
              sourceType
            }
            tags {
              key
              value
            }
          }
          modelInputs {
            modelId
          }
        }
        outputs {
          modelOutputs {
            modelId
            step
          }
        }`;

export const GET_RUN = `
  query GetRun($data: MlflowGetRunInput!) @component(name: "MLflow.ExperimentRunTracking") {
    mlflowGetRun(input: $data) {
      apiError {
        helpUrl
        code
        message
      }
      run {
        ${INFO_AND_EXPERIMENT}
        modelVersions {
          status
          version
          name
          source
        }
        ${DATA_INPUTS_AND_OUTPUTS}
      }
    }
  }
`;

export const GET_EXPERIMENT = `
  query MlflowGetExperimentQuery($input: MlflowGetExperimentInput!) @component(name: "MLflow.ExperimentRunTracking") {
    mlflowGetExperiment(input: $input) {
      apiError {
        code
        message
      }
      experiment {
        artifactLocation
        creationTime
        effectiveTraceArchivalRetention
        experimentId
        lastUpdateTime
        lifecycleStage
        name
        tags {
          key
          value
        }
      }
    }
  }
`;

export const SEARCH_RUNS = `
  query SearchRuns($data: MlflowSearchRunsInput!) {
    mlflowSearchRuns(input: $data) {
      apiError {
        helpUrl
        code
        message
      }
      runs {
        ${INFO_AND_EXPERIMENT}
        ${DATA_INPUTS_AND_OUTPUTS}
        modelVersions {
          version
          name
          creationTimestamp
          status
          source
        }
      }
    }
  }
`;
