"""What MLflow's own GraphQL layer reads, without a store behind it.

Reads a JSON list of {query, variables?, operationName?}; prints a JSON list of {reads, data, errors}.
The handlers behind the root fields note the request they were given, as they would read it, and answer
with a run, an experiment and one version each of the models `open` and `secret`.
"""

import json
import sys

import graphql
from mlflow.protos.model_registry_pb2 import SearchModelVersions
from mlflow.protos.service_pb2 import (
    GetExperiment,
    GetMetricHistoryBulkInterval,
    GetRun,
    ListArtifacts,
    SearchDatasets,
    SearchRuns,
)
from mlflow.server import handlers
from mlflow.server.graphql.graphql_schema_extensions import schema

RUN = "c" * 32
NESTED = "77"
reads = []


def fill(run):
    run.info.run_id = RUN
    run.info.experiment_id = NESTED


def get_experiment(request):
    # `run.experiment` comes this way too; it is the experiment of a run that was judged.
    if request.experiment_id != NESTED:
        reads.append(f"experiment {request.experiment_id}")
    response = GetExperiment.Response()
    response.experiment.experiment_id = request.experiment_id
    response.experiment.name = "an experiment"
    return response


def get_run(request):
    reads.append(f"run {request.run_id or request.run_uuid}")
    response = GetRun.Response()
    fill(response.run)
    return response


def list_artifacts(request):
    reads.append(f"run {request.run_id or request.run_uuid}")
    return ListArtifacts.Response(root_uri="root")


def get_metric_history(request):
    reads.extend(f"run {run_id}" for run_id in request.run_ids)
    return GetMetricHistoryBulkInterval.Response()


def search_runs(request):
    reads.extend(f"experiment {experiment_id}" for experiment_id in request.experiment_ids)
    response = SearchRuns.Response()
    fill(response.runs.add())
    return response


def search_datasets(request):
    reads.extend(f"experiment {experiment_id}" for experiment_id in request.experiment_ids)
    return SearchDatasets.Response()


def search_model_versions(_request):
    response = SearchModelVersions.Response()
    for name in ("open", "secret"):
        response.model_versions.add(name=name, version="1", description=f"{name} words")
    return response


handlers.get_experiment_impl = get_experiment
handlers.get_run_impl = get_run
handlers.list_artifacts_impl = list_artifacts
handlers.get_metric_history_bulk_interval_impl = get_metric_history
handlers.search_runs_impl = search_runs
handlers.search_datasets_impl = search_datasets
handlers.search_model_versions_impl = search_model_versions


def answer(body):
    reads.clear()
    try:
        from mlflow.server.graphql.graphql_no_batching import check_query_safety
    except ImportError:  # older versions have no caps
        check_query_safety = None
    result = check_query_safety(graphql.parse(body["query"])) if check_query_safety else None
    if result is None:
        result = schema.execute(
            body["query"],
            variables=body.get("variables"),
            operation_name=body.get("operationName"),
        )
    return {
        "reads": sorted(set(reads)),
        "data": result.data,
        "errors": [error.message for error in result.errors] if result.errors else None,
    }


def answer_anything(body):
    try:
        return answer(body)
    except Exception as error:  # MLflow answers 500
        return {"reads": sorted(set(reads)), "data": None, "errors": [str(error)]}


json.dump([answer_anything(body) for body in json.load(sys.stdin)], sys.stdout)
