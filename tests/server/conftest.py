from api_fixtures import api as api
from api_fixtures import engine as engine
from api_fixtures import model_folder as model_folder
from api_fixtures import occupied as occupied
from api_fixtures import settings as settings
