ARG MLFLOW_IMAGE
FROM ${MLFLOW_IMAGE}
RUN pip install --no-cache-dir psycopg2-binary
