"""The settings of the project: one row."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from ..fields.declarations.generated import generated
from ..fields.field import field
from ..models.model import Model
from .users_and_files import File, Folder, Role


class Settings(Model, collection="directus_settings", singleton=True):
    """The settings of the project.

    Example:
        >>> Settings.objects.get().project_name  # doctest: +SKIP
        'Directus'
    """

    id: int = field(default=generated, primary_key=True)
    project_name: str = field(default=generated)
    project_url: str | None = None
    project_color: str = field(default=generated)
    project_logo: File | None = None
    public_foreground: File | None = None
    public_background: File | None = None
    public_note: str | None = None
    auth_login_attempts: int | None = field(default=generated)
    auth_password_policy: str | None = None
    storage_asset_transform: str | None = field(default=generated)
    storage_asset_presets: Any = None
    custom_css: str | None = None
    storage_default_folder: Folder | None = None
    basemaps: Any = None
    mapbox_key: str | None = None
    module_bar: Any = None
    project_descriptor: str | None = None
    default_language: str = field(default=generated)
    custom_aspect_ratios: Any = None
    public_favicon: File | None = None
    default_appearance: str = field(default=generated)
    default_theme_light: str | None = None
    theme_light_overrides: Any = None
    default_theme_dark: str | None = None
    theme_dark_overrides: Any = None
    report_error_url: str | None = None
    report_bug_url: str | None = None
    report_feature_url: str | None = None
    public_registration: bool = field(default=generated)
    public_registration_verify_email: bool = field(default=generated)
    public_registration_role: Role | None = None
    public_registration_email_filter: Any = None
    visual_editor_urls: Any = None
    project_id: UUID | None = field(default=generated, readonly=True)
    mcp_enabled: bool = field(default=generated)
    mcp_allow_deletes: bool = field(default=generated)
    mcp_prompts_collection: str | None = None
    mcp_system_prompt_enabled: bool = field(default=generated)
    mcp_system_prompt: str | None = None
    project_owner: str | None = None
    project_usage: str | None = None
    org_name: str | None = None
    product_updates: bool | None = None
    project_status: str | None = field(default=generated, readonly=True)
    ai_openai_api_key: str | None = field(default=None, type="hash")
    ai_anthropic_api_key: str | None = field(default=None, type="hash")
    ai_system_prompt: str | None = None
    ai_google_api_key: str | None = field(default=None, type="hash")
    ai_openai_compatible_api_key: str | None = field(default=None, type="hash")
    ai_openai_compatible_base_url: str | None = None
    ai_openai_compatible_name: str | None = None
    ai_openai_compatible_models: Any = None
    ai_openai_compatible_headers: Any = None
    ai_openai_allowed_models: Any = None
    ai_anthropic_allowed_models: Any = None
    ai_google_allowed_models: Any = None
    collaborative_editing_enabled: bool = field(default=generated)
    ai_translation_default_model: str | None = None
    ai_translation_glossary: Any = None
    ai_translation_style_guide: str | None = None
    license_key: str | None = field(default=generated, type="hash", readonly=True)
    license_token: str | None = field(default=generated, type="hash", readonly=True)
    mcp_oauth_enabled: bool = field(default=generated)
    mcp_oauth_dcr_enabled: bool = field(default=generated)
    mcp_oauth_cimd_enabled: bool = field(default=generated)
    default_save_action: str = field(default=generated)
