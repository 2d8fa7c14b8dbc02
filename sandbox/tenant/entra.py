"""Entra ID's sign-in service, as far as an application needs it that signs in as itself.

Grant: learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
Codes: learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qsl

from aiohttp import web

from sandbox.tenant.assertions import ASSERTION_TYPE, AssertionCheck
from sandbox.tenant.directory import AppRegistration, Directory
from sandbox.tenant.sign_in_refusals import NO_STORE, SignInRefused, client_refused, refuse_sign_in
from sandbox.tenant.tokens import TokenIssuer

LIFETIME = timedelta(seconds=3599)
DEFAULT_SCOPE = "/.default"
NOT_INSTALLED = (
    "This can happen if the application has not been installed by the administrator of the tenant or "
    "consented to by any user in the tenant."
)


@dataclass(frozen=True)
class SignIn:
    """The sign-in service of one tenant."""

    directory: Directory
    issuer: TokenIssuer
    lifetime: Callable[[], timedelta]

    async def discover(self, request: web.Request) -> web.Response:
        """GET /{tenant}/v2.0/.well-known/openid-configuration."""
        try:
            self._check_tenant(request, "invalid_tenant")
        except SignInRefused as refusal:
            return self._refuse(request, refusal)
        tenant = f"{request.url.origin()}/{self.directory.tenant_id}"
        return web.json_response(
            {
                "issuer": f"{tenant}/v2.0",
                "authorization_endpoint": f"{tenant}/oauth2/v2.0/authorize",
                "token_endpoint": f"{tenant}/oauth2/v2.0/token",
                "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
                "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    async def token(self, request: web.Request) -> web.Response:
        """POST /{tenant}/oauth2/v2.0/token, grant type client_credentials."""
        try:
            self._check_verb(request)
            self._check_tenant(request, "invalid_request")
            application, audience = self._sign_in(await _form(request), _token_url(request))
        except SignInRefused as refusal:
            return self._refuse(request, refusal)
        client_id, lifetime = application.client_id, self.lifetime()
        roles = sorted(self.directory.roles(client_id, audience))
        seconds = int(lifetime.total_seconds())
        token = self.issuer.issue(client_id, audience, roles, lifetime, object_id=application.object_id)
        answer = {
            "token_type": "Bearer",
            "expires_in": seconds,
            "ext_expires_in": seconds,
            "access_token": token,
        }
        return web.json_response(answer, headers=NO_STORE)

    def _check_verb(self, request: web.Request) -> None:
        if request.method != "POST":
            message = (
                f"The endpoint only accepts POST, OPTIONS requests. Received a {request.method} request."
            )
            raise SignInRefused("invalid_request", 900561, message)

    def _check_tenant(self, request: web.Request, error: str) -> None:
        tenant = request.match_info["tenant"]
        if tenant != self.directory.tenant_id:
            message = (
                f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are "
                "signing into the correct cloud. Check with your subscription administrator, this may happen "
                "if there are no active subscriptions for the tenant."
            )
            raise SignInRefused(error, 90002, message)

    def _sign_in(self, form: Mapping[str, str], token_url: str) -> tuple[AppRegistration, str]:
        """Application and audience of an accepted request; the order of the checks is not documented."""
        grant_type = _field(form, "grant_type")
        if grant_type != "client_credentials":
            message = f"The app requested an unsupported grant type '{grant_type}'."
            raise SignInRefused("unsupported_grant_type", 70003, message)
        application = self._application(_field(form, "client_id"))
        audience = _audience(_field(form, "scope"))
        if "client_assertion" in form or "client_assertion_type" in form:
            assertion = _assertion(form)
            AssertionCheck(self.directory, self.issuer).check(application, assertion, token_url)
        else:
            self._check_secret(application.client_id, form.get("client_secret"))
        self._check_resource(audience)
        return application, audience

    def _application(self, client_id: str) -> AppRegistration:
        found = self.directory.application(client_id)
        if found is None:
            message = (
                f"Application with identifier '{client_id}' was not found in the directory "
                f"'{self.directory.tenant_id}'. {NOT_INSTALLED} You may have sent your authentication "
                "request to the wrong tenant."
            )
            raise SignInRefused("unauthorized_client", 700016, message)
        return found

    def _check_secret(self, client_id: str, secret: str | None) -> None:
        if not secret:
            message = (
                "'client_assertion', 'client_secret' or 'request' is required for the "
                "'client_credentials' grant type."
            )
            raise client_refused(7000216, message)
        found = self.directory.find_secret(client_id, secret)
        if found is None:
            message = (
                "Invalid client secret provided. Ensure the secret being sent in the request is the client "
                f"secret value, not the client secret ID, for a secret added to app '{client_id}'."
            )
            raise client_refused(7000215, message)
        if found.has_expired(self.issuer.now()):
            message = (
                f"The provided client secret keys for app '{client_id}' are expired. Visit the Azure portal "
                "to create new keys for your app: https://aka.ms/NewClientSecret, or consider using "
                "certificate credentials for added security: https://aka.ms/certCreds."
            )
            raise client_refused(7000222, message)

    def _check_resource(self, audience: str) -> None:
        if not self.directory.has_resource(audience):
            message = (
                f"The resource principal named {audience} was not found in the tenant named "
                f"{self.directory.tenant_id}. {NOT_INSTALLED} You might have sent your authentication "
                "request to the wrong tenant."
            )
            raise SignInRefused("invalid_resource", 500011, message)

    def _refuse(self, request: web.Request, refusal: SignInRefused) -> web.Response:
        return refuse_sign_in(request, refusal, self.issuer.now())


def application(
    directory: Directory, issuer: TokenIssuer, lifetime: Callable[[], timedelta] = lambda: LIFETIME
) -> web.Application:
    """The sign-in service, to be served with TLS; each token lives for the `lifetime` of that moment."""
    sign_in = SignIn(directory, issuer, lifetime)
    served = web.Application()
    served.router.add_get("/{tenant}/v2.0/.well-known/openid-configuration", sign_in.discover)
    served.router.add_route("*", "/{tenant}/oauth2/v2.0/token", sign_in.token)
    return served


async def _form(request: web.Request) -> dict[str, str]:
    """The fields of a form; a body of any other type has none, so the first required one is missing."""
    if request.content_type != "application/x-www-form-urlencoded":
        return {}
    return dict(parse_qsl((await request.read()).decode("utf-8", "replace")))


def _field(form: Mapping[str, str], name: str) -> str:
    value = form.get(name)
    if not value:
        message = f"The request body must contain the following parameter: '{name}'."
        raise SignInRefused("invalid_request", 900144, message)
    return value


def _assertion(form: Mapping[str, str]) -> str:
    """The assertion, of the one type there is; what a request with a secret besides is answered is not on
    record, so it is refused as one that is not understood.
    """
    assertion, kind = _field(form, "client_assertion"), _field(form, "client_assertion_type")
    if kind != ASSERTION_TYPE or "client_secret" in form:
        message = f"The 'client_assertion_type' parameter must be '{ASSERTION_TYPE}', without a secret."
        raise SignInRefused("invalid_request", 900144, message)
    return assertion


def _token_url(request: web.Request) -> str:
    return f"{request.url.origin()}{request.path}"


def _audience(scope: str) -> str:
    """The audience of `{audience}/.default`; a second scope, a relative or an empty resource is refused."""
    scopes = scope.split()
    if len(scopes) != 1 or scopes[0] == DEFAULT_SCOPE:
        message = (
            "The provided request must include a 'scope' input parameter. The provided value for the input "
            f"parameter 'scope' is not valid. The scope {scope} is not valid."
        )
        raise SignInRefused("invalid_scope", 70011, message)
    if not scopes[0].endswith(DEFAULT_SCOPE):
        message = (
            f"The provided value for scope {scope} is not valid. Client credential flows must have a scope "
            "value with /.default suffixed to the resource identifier (application ID URI)."
        )
        raise SignInRefused("invalid_scope", 1002012, message)
    return scopes[0].removesuffix(DEFAULT_SCOPE)
