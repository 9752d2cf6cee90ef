"""Where the pages keep what is theirs in a workspace; whatever they show is read from there, never from memory.

workspace/datasets/<project>/project.json            where its pictures are
workspace/datasets/<project>/pictures/<class>/       to learn from; `test/<class>/`: to test with
workspace/datasets/<project>/predictions/<number>/   a picture that was tried, with its answer
workspace/.app/jobs/<number>/                        what is to be done, see `jobs`
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from ...errors import InvalidValue, unknown
from ...files import make_folder, write_new
from ...looking import entries, exists, is_file, is_folder
from ...regular_files import read_regular
from ...runs.file_names import check_name, is_name
from ...runs.workspace import Workspace
from .projects import Project

DATASETS, APP = "datasets", ".app"


class Places:
    """A workspace with the projects and jobs of the pages."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.workspace = Workspace(root)
        self.root = self.workspace.root
        # scripts run here, so that a script that is copied and run by hand here finds the same things
        self.working_folder = self.root.parent
        self.jobs = self.root / APP / "jobs"

    def projects(self) -> list[Project]:
        """Every project, by name."""
        folders = (folder for folder in entries(self.root / DATASETS) if is_name(folder.name) and is_folder(folder))
        return [Project(folder) for folder in folders if is_file(Project(folder).file)]

    def project(self, name: str) -> Project:
        """A project.

        Raises:
            InvalidValue: no name of a folder. UnknownName: there is no such project.
        """
        project = Project(self.root / DATASETS / check_name("project", name))
        if not is_file(project.file):
            raise unknown("project", name, [known.name for known in self.projects()])
        return project

    def create(self, name: str) -> Project:
        """A new project without pictures.

        Raises:
            InvalidValue: no name of a folder, or one that exists already.
        """
        if check_name("project", name).lower() == DATASETS:
            raise InvalidValue(f"{name!r} is the folder in which pictures are kept: take another name")
        folder = self.root / DATASETS / name
        if name.lower() in {known.name.lower() for known in entries(self.root / DATASETS)}:
            raise InvalidValue(f"there is a project called {name!r} already: open it, or take another name")
        make_folder(folder)
        project = Project(folder)
        project.write({})
        return project

    def secret(self) -> str:
        """The secret of this workspace's pages, made once; whoever cannot read this folder does not know it."""
        path = self.root / APP / "secret"
        if not exists(path):
            make_folder(path.parent)
            text = secrets.token_urlsafe(24)
            # the first of two servers that start at once decides
            try:
                write_new(path, text.encode(), 0o600)
            except FileExistsError:
                return self.secret()
        return read_regular(path, 200).decode().strip()

    def said(self, path: Path) -> str:
        """A path as a script says it: relative to the folder that scripts run in, where it lies below it."""
        try:
            return path.relative_to(self.working_folder).as_posix()
        except ValueError:
            return str(path)
