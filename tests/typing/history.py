"""What type checkers know of the history of a row. Checked by mypy and pyright, never run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, assert_type

from directus_orm import Model, QuerySet, Related, field, generated, one_to_many
from directus_orm.system import Activity, Comment, Restoration, Revision, User


class Article(Model):
    id: int = field(default=generated, primary_key=True)
    title: str


class Post(Model):
    """A model with fields and lists of the names that every model has."""

    id: int = field(default=generated, primary_key=True)
    comments: Related[PostComment] = one_to_many("post")
    versions: int


class PostComment(Model):
    id: int = field(default=generated, primary_key=True)
    post: Post
    comments: str | None = None


async def history(article: Article, post: Post) -> None:
    assert_type(article.revisions, QuerySet[Revision])
    assert_type(Article.revisions_of(5), QuerySet[Revision])
    revision = article.revisions.first()
    assert revision
    assert_type(revision.activity, Activity)
    assert_type(revision.activity.user, User | None)
    assert revision.activity.user
    assert_type(revision.activity.user.email, str | None)
    assert_type(revision.activity.revisions.first(), Revision | None)
    assert_type(revision.changes, Mapping[str, tuple[Any, Any]])
    assert_type(await revision.achanges(), Mapping[str, tuple[Any, Any]])
    assert_type(revision.restore(), Restoration)
    assert_type(await revision.arestore(), Restoration)
    assert_type(revision.restore().not_restored, Mapping[str, str])
    assert_type(Revision.horizon(), timedelta | None)
    assert_type(await Activity.ahorizon(), timedelta | None)
    assert_type(Activity.comment_on(article, "text"), Activity)


def comments(article: Article, post: Post) -> None:
    assert_type(Comment.on(article), QuerySet[Comment])
    assert_type(Comment.on(article).create(comment="text"), Comment)
    article.comments.create(comment="text")
    assert_type(post.comments.first(), PostComment | None)
    assert_type(post.versions, int)
    assert_type(PostComment(post=post, comments="text").comments, str | None)
