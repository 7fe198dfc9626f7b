/** Python that tells with which status MLflow or the gateway answers what a function asks. */
export const STATUS = `
import requests
from mlflow.exceptions import MlflowException

def status(ask):
    try:
        ask()
        return 200
    except MlflowException as error:
        return error.get_http_status_code()
    except requests.HTTPError as error:
        return error.response.status_code
`;
